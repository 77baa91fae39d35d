"""`chainrule` with and without a window. Heavy imports happen inside the command that needs them."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import __version__

if TYPE_CHECKING:
    from app.recovery import Keeper
    from app.settings import Settings
    from app.window import MainWindow
    from engine.document import Document
    from engine.problems import Problem
    from engine.session import Session

COMMANDS = ("run", "render", "check", "profile", "first-light")
SETTLED = 20  # iterations before measuring: from then on numbers are as in training
NO_DISPLAY = """There is no display here, so no window can be opened. What works without one:
  chainrule first-light --out first-light.png   plays the default preset and writes a picture of the window
  chainrule run FILE --epochs 100               trains and prints the loss
  chainrule render FILE --out window.png        draws the window into a file
  chainrule render FILE --canvas --out film.gif films the graph while it trains
With a display elsewhere, set DISPLAY (or log in with ssh -X)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given and given[0] in COMMANDS:
            options = _parser().parse_args(given)
            return int(options.act(options))
        return _open_window(_window_parser().parse_args(given))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `chainrule check … | head`: nobody reads on, and that is no mistake of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


# arguments -----------------------------------------------------------------------------------------------------------


def _window_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chainrule",
        description="A playground for neural networks as graphs. Without a command it opens the window.",
        epilog="Commands: run, render, check, profile, first-light. “chainrule COMMAND --help” says more about each.",
    )
    parser.add_argument("file", nargs="?", help="a document, or the name of a preset")
    parser.add_argument("--version", action="version", version=f"Chainrule {__version__}")
    return parser


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chainrule")
    commands = parser.add_subparsers(required=True)
    run = _command(commands, "run", "train without a window", run_document)
    run.add_argument("file", help="a document, or the name of a preset")
    run.add_argument("--epochs", type=_whole(1), default=None, help="how many times all rows are seen (100)")
    run.add_argument(
        "--seed", type=_whole(0), default=None, help="another seed for the random start; leaves weights aside"
    )
    run.add_argument("--fresh", action="store_true", help="from the start, whatever weights were saved beside the file")
    render = _command(commands, "render", "draw a picture or a film without a screen", render_document)
    render.add_argument("file", help="a document, the name of a preset, or “gallery”")
    part = render.add_mutually_exclusive_group()
    part.add_argument("--canvas", action="store_true", help="the graph alone, not the whole window")
    part.add_argument("--view", default="", metavar="NAME", help="one view alone: loss, boundary, surface …")
    _add_picture_options(render)
    render.add_argument("--epochs", type=_whole(0), default=0, help="how many are played before")
    render.add_argument("--iterations", type=_whole(0), default=0, help="how many are played after those")
    render.add_argument("--steps", "--step", type=_whole(0), default=0, help="how many nodes are played after those")
    _add_film_options(render)
    check = _command(commands, "check", "list every problem", check_documents)
    check.add_argument("files", nargs="+", metavar="file", help="documents, or names of presets")
    profile = _command(commands, "profile", "time every instruction of an iteration", profile_document)
    profile.add_argument("file", help="a document, or the name of a preset")
    light = _command(commands, "first-light", "play the default preset and draw the window", first_light)
    _add_picture_options(light)
    light.add_argument("--iterations", type=_whole(1), default=2000, help="how many are played (2000)")
    light.set_defaults(canvas=False, view="", epochs=0, steps=0, frames=None, fps=12.0)
    return parser


def _command(commands: Any, name: str, help: str, act: Callable[[Any], int]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help.capitalize() + ".")
    parser.set_defaults(act=act)
    return parser


def _add_picture_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="the file: .png, .jpg, .svg, or .gif for a film")
    parser.add_argument("--size", type=_size, default=None, help="width and height, such as 1280x800")
    parser.add_argument("--scale", type=float, default=1.0, help="pixels for each one of the size (1)")
    parser.add_argument("--theme", "--scheme", dest="theme", choices=("dark", "light"), default="dark")


def _add_film_options(parser: argparse.ArgumentParser) -> None:
    text = "A film (.gif) shows the steps, iterations or epochs asked for, the first frame at their start."
    film = parser.add_argument_group("films", text)
    film.add_argument("--frames", type=_whole(1), default=None, help="how many pictures (60, or one for each step)")
    film.add_argument("--fps", type=float, default=12.0, help="frames a second (12)")


def _whole(low: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        number = int(text)
        if number < low:
            raise argparse.ArgumentTypeError(f"{text} is less than {low}")
        return number

    whole.__name__ = "whole number"
    return whole


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    try:
        return int(width), int(height)
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}” is no size; write 1280x800") from None


# documents -----------------------------------------------------------------------------------------------------------


def find_document(name: str) -> tuple[Document | None, list[Problem]]:
    """A file, or a preset by its id, and what is wrong with it; no document where there is neither."""
    from app.library import find_preset, load_preset, presets
    from engine.document import Document
    from engine.problems import Problem, did_you_mean

    path = Path(name)
    preset = None if path.exists() else find_preset(name.removesuffix(".json"))
    if preset is not None:
        document = load_preset(preset)
    elif path.is_file():
        document = Document.load(path)
    elif path.is_dir():
        return None, [Problem(f"“{name}” is a folder", "Name a file in it.", kind="file")]
    else:
        guess = did_you_mean(name, [each.id for each in presets()])
        fact = f"there is no file and no preset “{name}”"
        return None, [Problem(fact, guess or "Look at the spelling.", kind="file")]
    return document, document.check()


def sound_document(name: str) -> Document | None:
    """A file, or a preset by its id, that can be played; where there is none, what is wrong is printed."""
    document, problems = find_document(name)
    errors = [problem for problem in problems if problem.severity == "error"]
    if document is None or errors:
        tell(name, errors or problems)
        return None
    return document


def tell(name: str, problems: list[Problem], *, aside: bool = False) -> None:
    """Print problems, each behind the name of its file; aside where what follows is the answer."""
    for problem in problems:
        print(f"{name}: {problem.severity}: {told(problem)}", file=sys.stderr if aside else sys.stdout)


def told(problem: Problem) -> str:
    """A problem with its path in front, for people who have the file open in an editor."""
    text = str(problem)
    return f"{problem.path}: {text}" if problem.path and not text.startswith(problem.path) else text


def check_documents(options: argparse.Namespace) -> int:
    """`chainrule check`: 0 only if there is no problem at all."""
    count = 0
    for name in options.files:
        _, problems = find_document(name)
        tell(name, problems)
        count += len(problems)
        if not problems:
            print(f"{name}: no problems")
    return 1 if count else 0


def profile_document(options: argparse.Namespace) -> int:
    """`chainrule profile`: what each instruction of full speed costs, and for which nodes."""
    document = sound_document(options.file)
    if document is None:
        return 1
    from engine.analysis.profile import profile, report
    from engine.problems import ProblemError
    from engine.session import Session

    try:
        session = Session(document)
    except ProblemError as error:
        tell(options.file, list(error.problems))
        return 1
    session.run(SETTLED)
    print(report(profile(session)))
    return 0


# training ------------------------------------------------------------------------------------------------------------


def run_document(options: argparse.Namespace) -> int:
    """`chainrule run`: train, print loss and metrics, and judge what the document expects."""
    document = sound_document(options.file)
    if document is None:
        return 1
    from app.training_run import USUAL_EPOCHS, Run, broken_expectations
    from engine.problems import ProblemError

    try:
        weights = None if options.fresh else saved_weights(document, Path(options.file))
        run = Run(document, epochs=options.epochs or USUAL_EPOCHS, seed=options.seed, weights=weights)
        tell(options.file, run.problems)
        if run.start:
            print(f"goes on from {weights and weights.name} at iteration {run.start} (--fresh begins anew)")
        run.play(draw_progress if sys.stderr.isatty() else None)
        broken = broken_expectations(document)
    except ProblemError as error:
        tell(options.file, list(error.problems))
        return 1
    for name, value in run.results.items():
        print(f"{name}: {value}")
    for sentence in broken:
        print(f"{options.file}: expected otherwise: {sentence}")
    return 1 if broken else 0


def saved_weights(document: Document, path: Path) -> Path | None:
    """The file of weights that the document was saved with; a preset has none. Raises `ProblemError` for a wrong name."""
    from engine.weights_file import weights_beside

    return weights_beside(path, document.weights) if document.weights and path.is_file() else None


def draw_progress(done: int, total: int, loss: float | None) -> None:
    """A bar on the terminal, drawn anew in its line."""
    width = 32
    filled = width * done // max(1, total)
    figure = "" if loss is None else f"  loss {loss:.6g}"
    bar = "█" * filled + "░" * (width - filled)
    ending = "\n" if done >= total else ""
    print(f"\r{bar} {done}/{total}{figure}   ", end=ending, file=sys.stderr, flush=True)


# windows -------------------------------------------------------------------------------------------------------------


def _open_window(options: argparse.Namespace) -> int:
    from app.display import has_display

    if "QT_QPA_PLATFORM" not in os.environ and not has_display():
        print(NO_DISPLAY, file=sys.stderr)
        return 1
    application, window = start_window()
    window.crash.install()
    if options.file:
        open_named(window, options.file)
    window.appear()
    window.warm_up()
    return int(application.exec())


def start_window() -> tuple[Any, MainWindow]:
    """The application of a person and its window, not shown yet."""
    gc.disable()  # what is made on the way lasts, and to look through it took a tenth of the start; then the window collects
    from app.recovery import Keeper
    from app.settings import Settings

    application, window = make_window(Settings.of_user(), Keeper())
    window.runner.compile_apart()
    gc.freeze()
    return application, window


def make_window(settings: Settings, keeper: Keeper) -> tuple[Any, MainWindow]:
    """The application in its theme, and its window, not shown yet."""
    from PySide6.QtWidgets import QApplication

    from app.theme import current_theme

    running = QApplication.instance()
    application = running if isinstance(running, QApplication) else QApplication([sys.argv[0]])
    application.setApplicationName("Chainrule")
    application.setApplicationVersion(__version__)
    current_theme().apply(application)
    from app.window import MainWindow

    return application, MainWindow(settings, keeper)


def open_named(window: MainWindow, name: str) -> bool:
    """Open a file or a preset; what is not there is told in the window."""
    from app.library import find_preset

    path = Path(name)
    if not path.exists() and find_preset(name) is not None:
        return window.files.open_preset(name)
    if not path.exists():
        window.notice.tell(find_document(name)[1][0])
        return False
    return window.files.open_path(path)


def render_document(options: argparse.Namespace) -> int:
    """`chainrule render`: window, canvas or view, as a picture or a film."""
    return _draw(options, lambda session: None)


def first_light(options: argparse.Namespace) -> int:
    """`chainrule first-light`: the default preset, played without a screen; prints the final loss."""
    from app.library import default_preset_id

    options.file = default_preset_id()

    def report(session: Session) -> None:
        print(f"{options.file}: loss {session.loss:.6g} after {session.iteration} iterations")

    return _draw(options, report)


def _draw(options: argparse.Namespace, report: Callable[[Session], None]) -> int:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from app.capture.command import GALLERY, render
    from engine.problems import ProblemError

    document, problems = (None, []) if options.file == GALLERY else find_document(options.file)
    try:
        if document is None and problems:
            raise ProblemError(*problems)
        tell(options.file, [each for each in problems if each.severity == "error"], aside=True)  # the rest is drawn
        print(render(options, document, report))
    except ProblemError as error:
        tell(options.file, list(error.problems))
        return 1
    return 0
