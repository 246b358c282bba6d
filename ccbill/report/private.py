"""Files and directories that only the user can read, from the moment that they exist."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
import traceback
from collections.abc import Collection, Iterator
from io import BufferedRandom, BufferedReader, FileIO
from pathlib import Path
from typing import Any, BinaryIO

from ccbill.errors import CcbillError, Exit, Message

PRIVATE_DIRECTORY = 0o700
SENT_AT_ONCE = 1 << 23  # bytes
_PRIVATE_FILE = 0o600
_PATIENCE = 10.0  # seconds to wait for another run that delivers to the same directory
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0)

_CAUSES = {
    errno.EACCES: ("permission denied", "close it where it is open (Excel locks files), "),
    errno.EPERM: ("the system does not permit it", "close it where it is open, "),
    errno.EBUSY: ("another program holds it", "close it there, "),
    errno.EAGAIN: ("another run is writing there", "let it end, "),
    errno.EROFS: ("the disk is read-only", ""),
    errno.ENOSPC: ("the disk is full", "make room, "),
    errno.EDQUOT: ("the disk quota is used up", "make room, "),
    errno.EFBIG: ("the file is larger than the system permits", "raise the limit, "),
    errno.ELOOP: ("it is a link, and ccbill follows none", ""),
    errno.ENOTDIR: ("a part of its path is a file", ""),
    errno.ENAMETOOLONG: ("the name is too long", ""),
}


class _Leaving(FileIO):
    """A file that goes to the disk while it is written, and leaves memory once it is there.

    The end has then little to wait for, and what comes next takes the same memory again. A system
    that does not do so keeps it as it keeps any file.
    """

    _here = 0  # bytes that were not sent on

    def write(self, data: Any) -> int:
        written = super().write(data)
        self._here += written
        if self._here >= SENT_AT_ONCE and hasattr(os, "posix_fadvise"):
            self._here = 0
            with contextlib.suppress(OSError):  # it is advice; the end tells what the disk refuses
                os.posix_fadvise(self.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return written


@contextlib.contextmanager
def create(path: Path) -> Iterator[BinaryIO]:
    """A new file, mode 0600 whatever the umask, on the disk when the block ends."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY
    with BufferedRandom(_Leaving(os.open(path, flags, _PRIVATE_FILE), "w+b")) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
        except BaseException as error:
            _let_go(file, error)
            raise


def _let_go(file: BinaryIO, error: BaseException) -> None:
    """Drop what failed writers still hold, so that none of them writes when it is collected.

    A zip archive that failed on a full disk tries once more from its finaliser, and complains on
    standard error; here it does so now, and into nothing.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, file.fileno())
    os.close(nothing)
    cause: BaseException | None = error
    while cause is not None:
        traceback.clear_frames(cause.__traceback__)
        cause = cause.__context__


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A private file, which takes the place of one of that name when the block ends."""
    draft = path.with_name(f".{path.name}.tmp")
    try:
        draft.unlink(missing_ok=True)
        with create(draft) as file:
            yield file
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise output_error(path, error, ()) from None


def read(path: Path) -> bytes:
    """The bytes of a file; a link is not followed."""
    with _opened(path) as file:
        return file.read()


def sha256(path: Path) -> str:
    """The hash of a file, which may be longer than there is memory; a link is not followed."""
    with _opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _opened(path: Path) -> BufferedReader:
    return os.fdopen(os.open(path, os.O_RDONLY | _NO_FOLLOW | _BINARY), "rb")


def sync(directory: Path) -> None:
    """Have the names in a directory on the disk, where the system can."""
    if os.name == "posix":
        handle = os.open(directory, os.O_RDONLY | _NO_FOLLOW)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def prepare(out: Path, our_names: Collection[str]) -> None:
    """Make the directory, and those above it that are missing, 0700; a link or a file is refused.

    One that is there and holds no other names than ours is made 0700 too.
    """
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise refused(out, "is a link" if out.is_symlink() else "is a file")
    missing = [directory for directory in (out, *out.parents) if not directory.exists()]
    for directory in reversed(missing):
        directory.mkdir(PRIVATE_DIRECTORY, exist_ok=True)
    open_to_others = os.name == "posix" and out.stat().st_mode & 0o077
    if open_to_others and all(path.name in our_names for path in out.iterdir()):
        with contextlib.suppress(PermissionError):  # another user's directory
            out.chmod(PRIVATE_DIRECTORY)


@contextlib.contextmanager
def only_run(out: Path) -> Iterator[None]:
    """Hold the directory against other runs, where the system knows such locks."""
    if os.name != "posix":
        yield
        return
    handle = os.open(out, os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    import fcntl  # noqa: PLC0415  (not on Windows)

    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        except OSError:
            return  # a network disk without locks
        else:
            return


def refused(path: Path, what: str) -> CcbillError:
    """The error for a path that is not what the output needs there."""
    message = Message(
        str(path),
        f"{what}, where the output needs something else",
        "Nothing was written.",
        "move it away, or name another directory with --out",
    )
    return CcbillError(Exit.OUTPUT, message)


def output_error(out: Path, error: OSError, our_names: Collection[str]) -> CcbillError:
    """The failure in the user's words: of the system's account only the number is used."""
    number = error.errno or 0
    known = os.strerror(number).lower() if number else "the system refused"
    what, fix = _CAUSES.get(number, (known, ""))
    path = error.filename if isinstance(error.filename, str | bytes) else ""
    name = Path(os.fsdecode(path)).name
    message = Message(
        str(out / name if name in our_names else out),
        f"cannot be written: {what}",
        "Nothing was written; what was there before is untouched.",
        f"{fix}or name another directory with --out, then run again".removeprefix("or "),
    )
    return CcbillError(Exit.OUTPUT, message)
