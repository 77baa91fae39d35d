"""A view of one thing out of several that the document holds, chosen in the view's head."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtWidgets import QWidget

from app.views.base import View
from app.views.choices import choice
from engine.composites import title_at

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner


class ChoosingView(View):
    """What is offered is filled in when it changes; the document remembers what was chosen.

    asks     the choice's name and help
    step     what a choice is called among the steps of the document
    letters  how many the choice shows at least; 0: as wide as the longest entry
    """

    several = True
    asks: ClassVar[tuple[str, str]]
    step: ClassVar[str]
    letters: ClassVar[int] = 0

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(editor, runner, parent)
        self._offered: tuple[Any, ...] = ()
        self.of = choice(*self.asks, self._choose, letters=self.letters)
        self.add_tool(self.of)

    def offer(self, found: tuple[Any, ...], addresses: Iterable[str]) -> None:
        """Let one of `found` be chosen, each by its address, keeping what is chosen; as before where nothing is new."""
        if found == self._offered:
            return
        self._offered = found
        self.of.clear()
        for address in addresses:
            self.of.addItem(title_at(self.editor.document.graph, address.partition(".")[0]).replace("_", " "), address)
        self.of.setVisible(len(found) > 1)
        self._recall()

    def _choose(self, _: int) -> None:
        self.remember(self.step, of=self.of.currentData())
        self._show_again()

    def _recall(self) -> None:
        self.of.setCurrentIndex(max(0, self.of.findData(str(self.settings.get("of", "")))))

    def recall(self) -> None:
        """What the document remembers."""
        self._recall()
        self._show_again()

    def _show_again(self) -> None:
        if self.snapshot is not None:
            self.show_snapshot(self.snapshot)

    def document_changed(self, change: Change) -> None:
        """Another document: other things to choose."""
        super().document_changed(change)
        if "reset" in change.kinds:
            self._offered = ()
