"""One thing that a file leaves open: a word, a choice, and what was found."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.panels.fields.section import words
from app.theme import current_theme
from engine.datasets.csv_text import Question

CHOICE_WIDTH, ICON = 196, 14


class QuestionRow(QWidget):
    """`chosen(key, choice)` tells what somebody took. A doubt has a sign besides its sentence."""

    chosen = Signal(str, str)

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        line = QHBoxLayout()
        line.setSpacing(6)
        self._sign = QLabel()
        self._sign.setFixedWidth(ICON)
        self._title = words(question.title, "strong", wrap=False)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._title.setToolTip(question.title)
        self.choice = QComboBox()
        self.choice.setFixedWidth(CHOICE_WIDTH)
        self.choice.setAccessibleName(question.title)
        self.choice.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.choice.activated.connect(lambda index: self.chosen.emit(self.question.key, self.choice.itemData(index)))
        line.addWidget(self._sign)
        line.addWidget(self._title, 1)
        line.addWidget(self.choice)
        column.addLayout(line)
        self._fact = words("", "2")
        self._fact.setContentsMargins(ICON + 6, 0, 0, 0)
        column.addWidget(self._fact)
        current_theme().changed.connect(self._show_sign)

    def show_question(self, question: Question) -> None:
        """The same question with what holds now."""
        self.question = question
        entries = [(self.choice.itemData(index), self.choice.itemText(index)) for index in range(self.choice.count())]
        if entries != list(question.choices):
            self.choice.clear()
            for key, text in question.choices:
                self.choice.addItem(text, key)
        self.choice.setCurrentIndex([key for key, _ in question.choices].index(question.chosen))
        self.choice.setToolTip(self.choice.currentText())
        self._fact.setText(question.fact)
        self._show_sign()

    def _show_sign(self) -> None:
        name, token = ("triangle-alert", "warn") if self.question.is_open else ("check", "text3")
        self._sign.setPixmap(current_theme().pixmap(name, token, ICON))
        self._sign.setAccessibleName("in doubt" if self.question.is_open else "sure")
