"""Where a tour begins: an example at its first page, one's own work where it was left."""

from PySide6.QtCore import Qt

from app.guide import OVER, REMEMBERED


def count(window):
    return window.tour._count.text() if window.tour.isVisible() else ""


def saved(window, path):
    window.files.save_to(path)
    return path


def test_an_example_begins_its_tour_every_time(opened):
    opened.guide.begin()
    opened.tour.go_on()
    opened.files.open_preset("xor")
    assert count(opened) == "1 of 3"


def test_a_file_goes_on_with_its_tour_where_it_was_left(opened, tmp_path):
    """It began anew every time it was opened."""
    opened.guide.begin()
    opened.tour.go_on()
    path = saved(opened, tmp_path / "mine.json")
    opened.files.open_preset("moons")
    opened.files.open_path(path)
    assert count(opened) == "2 of 3"
    opened.tour.go_on()
    opened.files.open_preset("moons")
    opened.files.open_path(path)
    assert count(opened) == "3 of 3"


def test_a_tour_that_was_closed_stays_closed_until_it_is_asked_for(qtbot, opened, tmp_path):
    opened.guide.begin()
    path = saved(opened, tmp_path / "mine.json")
    qtbot.mouseClick(opened.tour.close_button, Qt.MouseButton.LeftButton)
    opened.files.open_preset("moons")
    opened.files.open_path(path)
    assert count(opened) == ""
    opened.commands.run("help.tour")
    assert count(opened) == "1 of 3"


def test_a_file_from_somebody_else_begins(opened, tmp_path):
    opened.editor.document.save(tmp_path / "lesson.json")
    opened.files.open_path(tmp_path / "lesson.json")
    assert count(opened) == "1 of 3"


def test_the_gallery_puts_a_tour_away_and_ends_it_not(opened, tmp_path):
    opened.guide.begin()
    opened.tour.go_on()
    path = saved(opened, tmp_path / "mine.json")
    opened.show_gallery()
    assert count(opened) == ""
    opened.files.open_path(path)
    assert count(opened) == "2 of 3"


def test_only_so_many_documents_are_remembered(opened, tmp_path):
    for at in range(REMEMBERED + 3):
        opened.guide._remember(OVER)
        opened.editor.document.id = f"d{at}"
    assert len(opened.settings["tours"]) == REMEMBERED
