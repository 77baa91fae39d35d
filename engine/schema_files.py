"""Files that are never half written, and files of any content that are read without a surprise."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from engine.problems import Problem, ProblemError
from engine.schema_findings import Findings
from engine.schema_text import MOST_BYTES


def read_file(path: Path, findings: Findings) -> str | None:
    """The text of a file, or None (told) where there is none; signs that are not UTF-8 are told and stand as �."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                findings.tell("this is no file", "Choose a document.", kind="file")
                return None
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL sign
        findings.tell(
            f"the file cannot be read: {reason(error)}", "Choose another file, or mend its rights.", kind="file"
        )
        return None
    if len(content) > MOST_BYTES:
        mend = "Keep large tables in a data file beside the document."
        findings.tell(f"the file is larger than {MOST_BYTES // 2**20} MB", mend, kind="limit")
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mend = "Save the file as UTF-8. Other signs are shown as �."
        findings.tell(f"byte {error.start + 1} of the file is not UTF-8", mend, kind="text")
        return content.decode("utf-8-sig", errors="replace")


def _without_waiting(path: str, flags: int) -> int:
    # Opening a pipe that nobody writes to would wait for ever.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def write_file(path: Path, content: bytes) -> None:
    """Put `content` in place of the file at once: whoever reads sees the old or the new one, also after a power cut.

    A new file beside it is written, flushed to the disk and renamed; permissions stay, and a symbolic link stays one.
    Raises `ProblemError` where that cannot be done; the old file is then untouched.
    """
    try:
        target = Path(os.path.realpath(path))
        temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    except (OSError, ValueError) as error:
        raise _cannot_write(path, error) from error
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            _keep_permissions(target, temporary)
            os.fsync(file.fileno())
        os.replace(temporary, target)
        sync_folder(target.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk, where the system can: a rename is safe only then."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reason(error: Exception) -> str:
    """What the system said, without its numbers."""
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).lower()


def _keep_permissions(target: Path, temporary: Path) -> None:
    if target.exists():
        os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))


def _cannot_write(path: Path, error: Exception) -> ProblemError:
    fact = f"“{path.name}” cannot be written: {reason(error)}"
    return ProblemError(Problem(fact, "Save it in another folder, or free some space.", kind="file"))
