"""A file of any content becomes rows of text: its encoding, its separator, and which lines cannot be read."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from engine.problems import Problem, ProblemError

MOST_BYTES = 64 * 2**20
MOST_CELL = 10_000  # signs; a longer cell is a quotation mark that was never closed
SAMPLE_SIGNS, SAMPLE_LINES = 2**17, 200
REST_BETWEEN = 20_000  # rows between two looks whether somebody has cancelled
Watch = Callable[[str, float], None]

SEPARATORS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma", " ": "blank"}  # the surer sign first
ENCODINGS = {
    "utf-8-sig": "UTF-8", "cp1252": "Western European", "iso8859_15": "ISO 8859-15",
    "cp1250": "Central European", "utf-16": "UTF-16",
}  # fmt: skip
_BEGINNINGS = (
    (b"PK\x03\x04", "an Excel workbook or another packed file", "Save its sheet as CSV."),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "Save its sheet as CSV."),
    (b"\x1f\x8b", "a packed file (gzip)", "Unpack it first."),
    (b"%PDF", "a PDF", "Tables are read from CSV files."),
    (b"\x89PNG", "a picture", "Tables are read from CSV files."),
    (b"\xff\xd8\xff", "a picture", "Tables are read from CSV files."),
    (b"SQLite format 3", "a database", "Export the table as CSV."),
    (b"\x93NUMPY", "a NumPy array", "Write it with numpy.savetxt."),
    (b"PAR1", "a Parquet file", "Write the table as CSV."),
)


class Cancelled(Exception):
    """Somebody has no more need of what is being read."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that a file leaves open, with what was taken and what could be taken instead.

    key       under which an answer is handed in; title: a word or two; fact: what was found, as a sentence
    chosen    the key of the choice in force; choices: (key, words)
    is_open   whether this is a guess that somebody ought to look at; False once it is sure, or answered
    """

    key: str
    title: str
    fact: str
    chosen: str
    choices: tuple[tuple[str, str], ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is left out, by its number in the file (the first is 1), and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one line, without blanks around them."""

    line: int
    cells: list[str]


def refuse(fact: str, mend: str) -> NoReturn:
    """The whole file cannot be used."""
    raise ProblemError(Problem(fact, mend, kind="file"))


def check_content(content: bytes, name: str) -> None:
    """Raise `ProblemError` for what is no text: empty, far too large, a picture, a workbook."""
    if len(content) > MOST_BYTES:
        refuse(f"“{name}” has {len(content) / 2**20:.0f} MB; a table takes up to 64 MB", "Keep fewer lines or columns.")
    if not content.strip(b" \t\r\n\xef\xbb\xbf\x00"):
        refuse(f"“{name}” is empty", "Choose a file with at least one line of numbers.")
    for beginning, what, mend in _BEGINNINGS:
        if content.startswith(beginning):
            refuse(f"“{name}” is {what}, not a table of text", mend)
    head = content[: 2**16]
    if encoding_of(content) != "utf-16":
        controls = sum(head.count(code) for code in (*range(9), *range(14, 27), *range(28, 32)))
        if b"\x00" in head or controls > len(head) // 100:
            refuse(f"“{name}” holds bytes that are no text", "Tables are read from CSV files.")


def encoding_of(content: bytes) -> str:
    """The encoding that the bytes speak for: by their mark, by zeros at every other place, or by being sound UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = content[: 2**12]
    if len(head) >= 8 and max(head[::2].count(0), head[1::2].count(0)) > len(head) * 0.35:
        return "utf-16"
    return "cp1252" if _first_fault(content) is not None else "utf-8-sig"


def _first_fault(content: bytes) -> int | None:
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return error.start
    return None


def decode(content: bytes, encoding: str) -> str:
    """The text; a byte that means nothing in this encoding stands as �."""
    if encoding == "utf-16" and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        big = content[: 2**12 : 2].count(0) > content[1 : 2**12 : 2].count(0)
        encoding = "utf-16-be" if big else "utf-16-le"
    return content.decode(encoding, errors="replace")


def encoding_question(content: bytes, answer: str | None) -> Question:
    """Which encoding is taken. Only bytes that are no UTF-8 leave a doubt."""
    found = encoding_of(content)
    fault = _first_fault(content) if found == "cp1252" else None
    fact = f"The text is {ENCODINGS[found]}."
    if fault is not None:
        begin = content.rfind(b"\n", 0, fault) + 1
        end = content.find(b"\n", fault)
        line = content[begin : end if end >= 0 else None]
        word = _word_around(line.decode("cp1252", errors="replace"), fault - begin)
        number = content.count(b"\n", 0, fault) + 1
        fact = f"Line {number} is not UTF-8; read as Western European it says “{word}”."
    chosen = answer if answer in ENCODINGS else found
    return Question("encoding", "Encoding", fact, chosen, tuple(ENCODINGS.items()), fault is not None and not answer)


def _word_around(line: str, place: int) -> str:
    for match in re.finditer(r"[^\s,;|\"]+", line):
        if match.start() <= place < match.end():
            return match.group()[:40]
    return line[:40].strip()


def separator_question(text: str, answer: str | None) -> Question:
    """Which sign parts the cells: the one that gives most lines the same number of them."""
    sample = _sample(text)
    rivals = {sign: widths for sign in SEPARATORS if (widths := _even_width(sample, sign)) is not None}
    if not any(sign != " " for sign in rivals) and " " in rivals and not _is_of_numbers(sample):
        rivals.pop(" ")
    found = max(rivals, key=lambda sign: (rivals[sign][1], -list(SEPARATORS).index(sign)), default=",")
    sure = {sign: width for sign, (width, share) in rivals.items() if share >= 0.9 and sign != " "}
    if len(rivals) == 0:
        fact = "No sign parts the lines into cells: this is one column."
    else:
        fact = f"A {SEPARATORS[found]} parts every line into {rivals[found][0]} cells."
    others = [sign for sign in sure if sign != found and not (sign == "," and _is_decimal_comma(sample, found))]
    lonely = found == "," and bool(sample) and all(re.fullmatch(r"\s*[+-]?\d+,\d+\s*", line) for line in sample)
    if others:
        fact = f"A {SEPARATORS[found]} makes {rivals[found][0]} cells of each line, a {SEPARATORS[others[0]]} "
        fact += f"{sure[others[0]]}."
    elif lonely:
        fact = f"“{sample[0].strip()}” may be two numbers, or one with a decimal comma."
    chosen = answer if answer in SEPARATORS else found
    choices = tuple(
        (sign, words.capitalize() + (f"  {sign}" if sign.strip() else "")) for sign, words in SEPARATORS.items()
    )
    return Question("separator", "Separator", fact, chosen, choices, bool(others or lonely) and not answer)


def _sample(text: str) -> list[str]:
    head = text[:SAMPLE_SIGNS]
    lines = [line for line in head.splitlines()[:SAMPLE_LINES] if line.strip() and not line.startswith("#")]
    return lines[:-1] if len(text) > SAMPLE_SIGNS and len(lines) > 1 else lines


def _even_width(lines: Sequence[str], sign: str) -> tuple[int, float] | None:
    """How many cells most lines have, and which share of them; None where it is one."""
    if not any(sign in line for line in lines):
        return None
    try:
        widths = Counter(len(cells) for cells in _parted(lines, sign) if cells)
    except csv.Error:
        return None
    width, count = max(widths.items(), key=lambda entry: (entry[1], entry[0]))
    return (width, round(count / widths.total(), 2)) if width > 1 else None


def _is_decimal_comma(lines: Sequence[str], separator: str) -> bool:
    """Whether commas stand inside of cells because numbers have them, or inside of words."""
    cells = [cell.strip() for row in _parted(lines, separator) for cell in row if "," in cell]
    return all(re.fullmatch(r"[+-]?[\d.\s]*,\d+(e[+-]?\d+)?|.*[^\W\d_].*", cell, re.IGNORECASE) for cell in cells)


def _is_of_numbers(lines: Sequence[str]) -> bool:
    cells = [cell for line in lines[1:] or lines for cell in line.split()]
    return sum(bool(re.fullmatch(r"[+-]?[\d.,]+(e[+-]?\d+)?", cell, re.IGNORECASE)) for cell in cells) > len(cells) / 2


def _parted(lines: Sequence[str], sign: str) -> Iterator[list[str]]:
    if sign == " ":
        return iter([line.split() for line in lines])
    return csv.reader(lines, delimiter=sign, skipinitialspace=True)


def rows_of(text: str, separator: str, watch: Watch) -> tuple[list[Row], list[BadLine]]:
    """All lines with something on them, and those that cannot be parted. Lines that begin with # are comments."""
    rows: list[Row] = []
    bad: list[BadLine] = []
    source = io.StringIO(text, newline="")
    reader, lines = _reader(source, separator)
    line = 0
    while True:
        begun = line + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            line = lines()
            bad.append(BadLine(begun, f"it cannot be parted into cells ({error})"))
            continue
        if cells is None:
            return rows, bad
        line = lines()
        if len(rows) % REST_BETWEEN == 0:
            watch("Parting the lines into cells", source.tell() / max(1, len(text)))
        cells = [cell.strip() for cell in cells]
        if not any(cells) or cells[0].startswith("#"):
            continue
        if line > begun and max(map(len, cells)) > MOST_CELL:
            bad.append(BadLine(begun, "a quotation mark is opened on it and never closed"))
        else:
            rows.append(Row(begun, cells))


def _reader(source: io.StringIO, separator: str) -> tuple[Iterator[list[str]], Callable[[], int]]:
    """Cells row by row, and how many lines were read so far."""
    if separator != " ":
        quoted = csv.reader(source, delimiter=separator, skipinitialspace=True)
        return quoted, lambda: quoted.line_num
    count = 0

    def cells() -> Iterator[list[str]]:
        nonlocal count
        for line in source:
            count += 1
            yield line.split()

    return cells(), lambda: count


def unique_names(names: Sequence[str]) -> list[str]:
    """Every column a name of its own, of at most 100 signs."""
    made: list[str] = []
    for place, name in enumerate(names):
        wanted = " ".join(name.split())[:100] or f"column {place + 1}"
        number, tried = 2, wanted
        while tried in made:
            tried, number = f"{wanted} ({number})", number + 1
        made.append(tried)
    return made
