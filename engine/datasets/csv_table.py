"""A CSV file understood: what each column is, every doubt with its choices, every line that is left out with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from engine.datasets.arrays import MOST_NUMBERS
from engine.datasets.csv_cells import Column, column_of, counts_lines, decimal_question, even_rows, holds, is_number
from engine.datasets.csv_result import Found, Understood, short
from engine.datasets.csv_text import (
    BadLine,
    Question,
    Row,
    Watch,
    check_content,
    decode,
    encoding_question,
    refuse,
    rows_of,
    separator_question,
    unique_names,
)
from engine.datasets.draws import Floats, Indices
from engine.problems import Problem

ROLES = {"input": "Input", "target": "Target", "out": "Left out"}
TARGET_NAMES = {
    "target", "label", "class", "y", "output", "species", "outcome", "diagnosis", "result", "response", "klasse", "ziel",
}  # fmt: skip
COUNTING_NAMES = {"id", "index", "row", "no", "nr", "number", "unnamed: 0", "row number"}
MOST_INPUT_WORDS, MOST_CLASSES, LIKELY_CLASSES, ROWS_OF_A_CLASS = 20, 100, 10, 5
FAR_APART = 100.0  # the largest feature against the smallest one
PREVIEWED = 12
YES_NO = (("yes", "Yes"), ("no", "No"))


class CsvFile:
    """A file's bytes. `understand` may be asked again with other answers; what these leave as it was is kept.

    Raises `ProblemError` for content that is no text. `watch(words, share)` is called now and then, and may raise to
    stop.
    """

    def __init__(self, content: bytes, name: str) -> None:
        check_content(content, name)
        self._content, self.name = content, name
        self._texts: dict[str, str] = {}
        self._rows: dict[tuple[str, str], tuple[list[Row], list[BadLine]]] = {}
        self._columns: dict[tuple[object, ...], Column] = {}

    def understand(
        self, answers: Mapping[str, str] | None = None, watch: Watch = lambda words, share: None
    ) -> Understood:
        """What the file says. answers: by the key of a question, `role:3` for a column. Raises `ProblemError`."""
        given = dict(answers or {})
        encoding = encoding_question(self._content, given.get("encoding"))
        watch("Decoding the text", 0.0)
        text = self._texts.setdefault(encoding.chosen, decode(self._content, encoding.chosen))
        separator = separator_question(text, given.get("separator"))
        key = (encoding.chosen, separator.chosen)
        if key not in self._rows:
            self._rows[key] = rows_of(text, separator.chosen, watch)
        rows, unreadable = self._rows[key]
        if not rows:
            refuse(f"“{self.name}” has no line with anything on it", "Choose another file.")
        reading = _Reading(self.name, given, watch, *even_rows(rows, unreadable), self._columns, key)
        return reading.understand([encoding, separator])


class _Reading:
    """One understanding on its way: rows of even width, then columns, roles, kept lines, arrays."""

    def __init__(
        self,
        name: str,
        given: Mapping[str, str],
        watch: Watch,
        rows: list[Row],
        bad: list[BadLine],
        known: dict[tuple[object, ...], Column],
        key: tuple[str, str],
    ) -> None:
        self.given, self.watch, self.rows, self.bad = given, watch, rows, bad
        self.known, self.key = known, key
        self.result = Understood(name)
        self.questions: list[Question] = []

    def ask(self, key: str, title: str, fact: str, found: str, choices: Iterable[tuple[str, str]], doubt: bool) -> str:
        """Decide something; the answer that was given counts, where it is one of the choices."""
        options = tuple(choices)
        answer = self.given.get(key)
        chosen = answer if answer in dict(options) else found
        self.questions.append(Question(key, title, fact, chosen, options, doubt and answer is None))
        return chosen

    def understand(self, asked: list[Question]) -> Understood:
        """Everything, in the order in which one thing leads to the next."""
        self.questions = asked
        body = self.rows[1:] or self.rows
        decimal = decimal_question([cell for row in body[:200] for cell in row.cells], self.given.get("decimal"))
        self.questions.append(decimal)
        self.comma = decimal.chosen == "comma"
        names = self._heading()
        self._read_columns(names)
        roles = self._roles()
        self._keep_lines(roles)
        self._make_arrays(roles)
        self._show(roles)
        self.result.questions = sorted(self.questions, key=lambda question: not question.is_open)
        self.result.bad = sorted(self.bad, key=lambda bad: bad.line)
        return self.result

    # columns ---------------------------------------------------------------------------------------------------------

    def _heading(self) -> list[str]:
        """The names of the columns; takes the heading's line from the rows."""
        first, below = self.rows[0].cells, self.rows[1:50]
        numbers = [is_number(cell, self.comma) for cell in first]
        lower = [any(is_number(row.cells[place], self.comma) for row in below) for place in range(len(first))]
        looks = not any(numbers) and bool(below)
        shown = ", ".join(f"“{cell}”" for cell in first[:3]) + (" …" if len(first) > 3 else ".")
        fact = f"Line {self.rows[0].line} names the columns: {shown}"
        doubt = looks and not any(lower)
        if not looks:
            fact, doubt = (
                "No line names the columns.",
                any(cell and not number for cell, number in zip(first, numbers, strict=True)),
            )
        if doubt:
            fact = f"Line {self.rows[0].line} ({shown.rstrip('.')}) may name the columns, or be a row like the others."
        if self.ask("heading", "Heading", fact, "yes" if looks else "no", YES_NO, doubt) == "no":
            return [f"x{place + 1}" for place in range(len(first))]
        self.rows = self.rows[1:]
        if not self.rows:
            refuse(f"“{self.result.name}” has a heading and no rows", "Give it at least one row of numbers.")
        return unique_names(first)

    def _read_columns(self, names: list[str]) -> None:
        self.columns: list[Column] = []
        for place, name in enumerate(names):
            self.watch("Reading the columns", place / len(names))
            as_words = self.given.get(f"kind:{place}") == "words"
            key = (self.key, len(self.rows), self.comma, place, name, as_words)
            if key not in self.known:
                self.known[key] = column_of(name, [row.cells[place] for row in self.rows], self.comma, as_words)
            column = self.known[key]
            self.columns.append(column)
            slips = int(column.bad.sum())
            if slips or f"kind:{place}" in self.given:
                row = int(np.flatnonzero(column.bad)[0]) if slips else 0
                fact = f"“{name}” holds numbers, but for {slips} like “{column.cells[row][:20]}” on line {self.rows[row].line}."
                choices = (("numbers", "Numbers only"), ("words", "Words"))
                self.ask(f"kind:{place}", name, fact, "numbers", choices, True)

    def _roles(self) -> list[str]:
        roles = [self._usual_role(place) for place in range(len(self.columns))]
        usable = [place for place, role in enumerate(roles) if role == "input"] or list(range(len(roles)))
        named = [place for place in usable if self.columns[place].name.casefold() in TARGET_NAMES]
        found = named[-1] if named else usable[-1]
        how = "is a usual name for it" if named else "is the last one; none is called “target”"
        fact = f"“{self.columns[found].name}” {how}."
        choices = [(str(place), column.name) for place, column in enumerate(self.columns)]
        by_hand = any(self.given.get(f"role:{place}") == "target" for place in range(len(roles)))
        target = int(
            self.ask("target", "Target", fact, str(found), choices, not named and not by_hand and len(usable) > 1)
        )
        if not by_hand:
            roles[target] = "target"
        for place in range(len(roles)):
            wanted = self.given.get(f"role:{place}")
            roles[place] = wanted if wanted in ROLES else roles[place]
        return roles

    def _usual_role(self, place: int) -> str:
        """What a column is for, by its looks; what is left out for a reason is asked about."""
        column = self.columns[place]
        fact = ""
        if column.kind == "nothing":
            fact = f"“{column.name}” is empty on every line."
        elif column.kind == "numbers" and len(self.rows) >= 5 and len(self.columns) > 1:
            known = column.known
            if len(known) and np.ptp(known) == 0:
                fact = f"“{column.name}” is {known[0]:g} on every line, and says nothing."
            elif column.name.casefold().startswith("column ") or column.name.casefold() in COUNTING_NAMES:
                fact = f"“{column.name}” only counts the lines." if counts_lines(known) else ""
        elif column.kind == "words" and len(column.words) > MOST_INPUT_WORDS and place < len(self.columns) - 1:
            fact = f"“{column.name}” holds {len(column.words):,} different words, too many for one input each."
        if not fact:
            return "input"
        return self.ask(f"role:{place}", column.name, fact, "out", list(ROLES.items()), True)

    # lines -----------------------------------------------------------------------------------------------------------

    def _keep_lines(self, roles: Sequence[str]) -> None:
        """Which rows stay, and why the others do not."""
        inputs = [column for column, role in zip(self.columns, roles, strict=True) if role == "input"]
        targets = [column for column, role in zip(self.columns, roles, strict=True) if role == "target"]
        reasons: dict[int, str] = {}
        for column in (*inputs, *targets):
            for row in np.flatnonzero(column.bad).tolist():
                reasons.setdefault(row, f"“{column.cells[row][:40]}” under “{column.name}” is no number")
        for column in targets:
            for row in np.flatnonzero(column.missing).tolist():
                reasons.setdefault(row, f"the target “{column.name}” is missing")
        self.fill = False
        gaps = {int(row): column.name for column in inputs for row in np.flatnonzero(column.missing)}
        if gaps:
            lines = ", ".join(str(self.rows[row].line) for row in sorted(gaps)[:3]) + (" …" if len(gaps) > 3 else "")
            count = sum(int(column.missing.sum()) for column in inputs)
            where = "1 line" if len(gaps) == 1 else f"{len(gaps):,} lines"
            cells = "1 cell is" if count == 1 else f"{count:,} cells are"
            fact = f"{cells} missing on {where} ({lines})."
            choices = (("drop", f"Leave {where} out"), ("fill", "Mean or commonest word"))
            self.fill = self.ask("missing", "Missing cells", fact, "drop", choices, True) == "fill"
            if self.fill:
                self.result.said.append(f"{cells} filled with the mean or the commonest word of the column."[:200])
            else:
                for row, name in gaps.items():
                    reasons.setdefault(row, f"“{name}” is missing")
        self.bad = [*self.bad, *(BadLine(self.rows[row].line, why) for row, why in reasons.items())]
        if self.bad:
            self.result.said.append(
                "1 line was left out." if len(self.bad) == 1 else f"{len(self.bad):,} lines were left out."
            )
        keep = np.ones(len(self.rows), dtype=bool)
        keep[list(reasons)] = False
        self.kept = np.flatnonzero(keep)
        self.result.rows = len(self.kept)

    # arrays ----------------------------------------------------------------------------------------------------------

    def _make_arrays(self, roles: Sequence[str]) -> None:
        result = self.result
        inputs = [column for column, role in zip(self.columns, roles, strict=True) if role == "input"]
        targets = [column for column, role in zip(self.columns, roles, strict=True) if role == "target"]
        result.problem = self._refusal(inputs, targets)
        if result.problem is not None:
            return
        parts: list[Floats] = []
        for place, column in enumerate(inputs):
            self.watch("Making the inputs", place / len(inputs))
            parts.append(self._input(column))
        result.inputs = np.concatenate(parts, axis=1)
        result.input_names = unique_names(result.input_names)
        self._make_targets(targets)
        self._ask_scale(result.inputs, inputs)
        if result.inputs.size + (0 if result.targets is None else result.targets.size) > MOST_NUMBERS:
            fact = f"these are {result.inputs.size:,} numbers; a data set takes up to {MOST_NUMBERS:,}"
            result.problem = Problem(fact, "Leave columns out, or keep fewer lines.", kind="limit")

    def _refusal(self, inputs: Sequence[Column], targets: Sequence[Column]) -> Problem | None:
        if not targets:
            return Problem("no column is the target", "Make one column the target.", kind="target")
        if not inputs:
            return Problem("no column is left for the inputs", "Make at least one column an input.", kind="input")
        for column in (*inputs, *targets):
            if column.kind == "nothing":
                return Problem(f"“{column.name}” is empty", "Leave it out.", kind="empty")
        if not len(self.kept):
            return Problem(
                "no line is left", "Choose otherwise about missing cells, or leave columns out.", kind="rows"
            )
        wordy = next((column for column in inputs if len(column.words) > MOST_CLASSES), None)
        if wordy is not None:
            fact = f"“{wordy.name}” has {len(wordy.words):,} different words, and {MOST_CLASSES} can be inputs"
            return Problem(fact, "Leave it out.", kind="words")
        if len(targets) > 1 and any(column.kind == "words" for column in targets):
            fact = "of several targets each is a number, and one of these holds words"
            return Problem(fact, "Choose one target, or leave the words out.", kind="target")
        return None

    def _input(self, column: Column) -> Floats:
        """(kept rows, columns that this one becomes)."""
        if column.numbers is not None:
            self.result.input_names.append(column.name)
            numbers = column.numbers
            if self.fill and column.missing.any():
                numbers = np.where(column.missing, column.known.mean(), numbers)
            return numbers[self.kept, None]
        cells, words = self._words(column), column.words
        if len(words) <= 2:
            self.result.input_names.append(f"{column.name} = {words[-1]}"[:200])
            self.result.said.append(f"“{column.name}” became 1 where it says “{words[-1]}”, else 0."[:200])
            return np.array([[float(cell == words[-1])] for cell in cells])
        self.result.input_names += [f"{column.name} = {word}"[:200] for word in words]
        self.result.said.append(f"“{column.name}” became {len(words)} columns, one for each word."[:200])
        places = {word: place for place, word in enumerate(words)}
        return np.eye(len(words))[[places[cell] for cell in cells]]

    def _words(self, column: Column) -> list[str]:
        missing = column.missing.tolist()
        commonest = Counter(cell for cell, gone in zip(column.cells, missing, strict=True) if not gone).most_common(1)
        return [commonest[0][0] if missing[row] else column.cells[row] for row in self.kept.tolist()]

    def _make_targets(self, targets: Sequence[Column]) -> None:
        result = self.result
        result.target_names = [column.name for column in targets]
        if len(targets) > 1:
            result.task = "regression"
            result.targets = np.stack(
                [column.numbers[self.kept] for column in targets if column.numbers is not None], axis=1
            )
            return
        (column,) = targets
        labels, names = self._labels(column)
        result.task = self._ask_task(column, names)
        if result.task == "regression":
            assert column.numbers is not None, "words are classes"
            result.targets = column.numbers[self.kept, None]
            return
        if len(names) > MOST_CLASSES:
            fact = f"“{column.name}” has {len(names):,} different values, and {MOST_CLASSES} can be classes"
            result.problem = Problem(fact, "Choose another target, or take it as quantities.", kind="classes")
            return
        if len(names) < 2:
            fact = f"the target is “{names[0]}” on every line"
            result.problem = Problem(fact, "Choose another target: there is nothing to tell apart.", kind="classes")
            return
        result.class_names, result.targets = unique_names(names), labels
        if result.task == "binary":
            if names == ("-1", "1"):
                result.targets = 2 * labels - 1
            elif names != ("0", "1"):
                result.said.append(f"“{names[0]}” became 0 and “{names[1]}” became 1."[:200])
        else:
            shapes = (("index", "Its number  2"), ("columns", "One-hot  0 0 1"))
            fact = f"{len(names)} classes: {', '.join(names[:4])}{' …' if len(names) > 4 else '.'}"
            result.one_hot = self.ask("one_hot", "Classes as", fact, "index", shapes, False) == "columns"

    def _labels(self, column: Column) -> tuple[Indices, tuple[str, ...]]:
        """The number of each row's class, and the names of the classes in order."""
        if column.numbers is None:
            places = {word: place for place, word in enumerate(column.words)}
            cells = [column.cells[row] for row in self.kept.tolist()]
            present = sorted({places[cell] for cell in cells})
            order = {column.words[place]: number for number, place in enumerate(present)}
            return np.array([order[cell] for cell in cells], dtype=np.int64), tuple(order)
        values, labels = np.unique(column.numbers[self.kept], return_inverse=True)
        return labels.astype(np.int64), tuple(short(value) for value in values[: MOST_CLASSES + 1].tolist())

    def _ask_task(self, column: Column, names: Sequence[str]) -> str:
        """Whether the target is a quantity or a class."""
        count = len(names)
        grouped = "binary" if count == 2 else "classes"
        words = ("regression", "Quantities: any number"), (grouped, f"{count} classes")
        if column.numbers is None:
            fact = f"“{column.name}” holds {count} different words: {', '.join(names[:3])}{' …' if count > 3 else '.'}"
            return self.ask("task", "The target is", fact, grouped, words[1:], False)
        values = column.numbers[self.kept]
        whole = bool(np.all(values == np.round(values)))
        if not whole or count > LIKELY_CLASSES or count < 2:
            fact = f"“{column.name}” holds numbers from {values.min():g} to {values.max():g}."
            return self.ask(
                "task", "The target is", fact, "regression", words if 1 < count <= MOST_CLASSES else words[:1], False
            )
        likely = len(values) >= ROWS_OF_A_CLASS * count or count == 2
        is_sure = count == 2 and set(values.tolist()) in ({0.0, 1.0}, {-1.0, 1.0})
        fact = f"“{column.name}” is always one of {', '.join(names)}: classes, or quantities?"
        return self.ask("task", "The target is", fact, grouped if likely else "regression", words, not is_sure)

    def _ask_scale(self, inputs: Floats, columns: Sequence[Column]) -> None:
        """Whether to standardise: never silently, and asked for where features differ much in size."""
        sizes = np.abs(inputs).max(axis=0)
        names, used = self.result.input_names, sizes[sizes > 0]
        if not len(used):
            return
        large, small = int(sizes.argmax()), int(np.where(sizes > 0, sizes, np.inf).argmin())
        fact = f"“{names[large]}” reaches {sizes[large]:g}" + (
            f", “{names[small]}” {sizes[small]:g}." if large != small else "."
        )
        choices = (("no", "As they are"), ("yes", "Standardised"))
        doubt = sizes[large] > FAR_APART or sizes[large] > FAR_APART * sizes[small]
        self.result.standardise = self.ask("standardise", "Inputs", fact, "no", choices, doubt) == "yes"

    # showing ---------------------------------------------------------------------------------------------------------

    def _show(self, roles: Sequence[str]) -> None:
        result = self.result
        result.columns = [
            Found(place, column.name, role, holds(column), int(column.missing.sum()))
            for place, (column, role) in enumerate(zip(self.columns, roles, strict=True))
        ]
        for row in self.kept[:PREVIEWED]:
            texts = [self._shown(column, int(row)) for column in self.columns]
            result.preview.append((self.rows[row].line, texts))

    @staticmethod
    def _shown(column: Column, row: int) -> str:
        if column.missing[row] or column.bad[row]:
            return ""
        return column.cells[row] if column.numbers is None else f"{column.numbers[row]:.7g}"
