"""What the player of the real window shows."""


def iteration(window):
    return int(window.workspace.player.counters["iteration"].text.replace("\u202f", "").replace("–", "0"))


def last_step(window):
    step = window.workspace.player.lane._last
    return None if step is None else step.index
