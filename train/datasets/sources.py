"""Files of a download as it lies there: in folders, in zips, or both; zips are read in place."""

import errno
import lzma
import os
import stat
import struct
import threading
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from shlex import quote
from typing import IO, NamedTuple

from edgefer.errors import DataError
from edgefer.facewriter import MARKER

LARGEST_PHOTO = 64 * 2**20
LARGEST_TEXT = 128 * 2**20  # sixty thousand records take a third of it
_UTF8_NAME = 0x800
_ENCRYPTED = 0x1
# What `zipfile` and its decompressors raise at damage; a flipped bit may also make a name no text.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    IndexError,
    NotImplementedError,
    RuntimeError,
)


class Entry(NamedTuple):
    """A file, wherever it lies.

    Attributes
    ----------
    name : str
        Its path below what was named on the command line, composed Unicode, parts separated by
        ``/``; for people and for matching, never for opening.
    path : str
        The file, or the zip that holds it.
    member : int
        Place in the zip; -1 for a file of its own.
    size : int
        Bytes, unpacked.
    stamp : int
        Tells a changed file: CRC-32 in a zip, else the time of its last change, in nanoseconds.
    """

    name: str
    path: str
    member: int
    size: int
    stamp: int


def scan(sources: Iterable[Path]) -> Iterator[Entry]:
    """Every file below folders and in zips, zips in folders included.

    Links to folders are followed. Hidden folders, face sets and unfinished imports are passed over.

    Raises
    ------
    DataError
        If a source is missing or is neither, a zip is damaged, or nothing was unpacked from parts.
    """
    for source in sources:
        # Absolute: a cluster's workers stand elsewhere.
        if source.is_dir():
            yield from _scan_folder(source.absolute())
        elif zipfile.is_zipfile(source):
            yield from _scan_zip(source.absolute(), _printable(Path(source.stem)) + "/")
        else:
            what = "is neither a folder nor a zip" if source.exists() else "does not exist"
            raise DataError(f"{source} {what}. Name the download folder, its zips, or both.")


def read(entry: Entry, *, largest: int = LARGEST_PHOTO) -> bytes:
    """Bytes of a file.

    Raises
    ------
    DataError
        If it is larger than allowed, encrypted, a link, or damaged.
    OSError
        If it is gone, cannot be reached, or was changed since it was found: that says something
        about the machine, and nothing about the photo.
    """
    if entry.size > largest:
        raise DataError(f"is larger than {largest // 2**20} MB")
    try:
        if entry.member < 0:
            return _read_file(entry, largest)
        return _read_member(entry, largest)
    except _DAMAGED as error:
        raise DataError("is damaged in its zip") from error
    except OSError as error:
        # bzip2's damage has no number; a place before the zip's beginning is EINVAL.
        if error.errno in (None, errno.EINVAL):
            raise DataError("is damaged in its zip") from error
        if error.errno == errno.EIO:
            raise DataError("cannot be read from the disk") from error
        raise


def _read_file(entry: Entry, largest: int) -> bytes:
    found = Path(entry.path).stat()
    if not stat.S_ISREG(found.st_mode):
        raise DataError("is no ordinary file")
    if (found.st_size, found.st_mtime_ns) != (entry.size, entry.stamp):
        raise _changed(entry)
    with open(entry.path, "rb") as file:
        return _capped(file, largest)


def _read_member(entry: Entry, largest: int) -> bytes:
    found = Path(entry.path).stat()
    archive = _archive(entry.path, found.st_mtime_ns, found.st_size)
    infos = archive.infolist()
    if entry.member >= len(infos):
        raise _changed(entry)
    info = infos[entry.member]
    if (info.file_size, info.CRC) != (entry.size, entry.stamp):
        raise _changed(entry)
    if stat.S_ISLNK(info.external_attr >> 16):
        raise DataError("is a link in an archive")
    if info.flag_bits & _ENCRYPTED:
        raise DataError("is encrypted")
    with archive.open(info) as member:
        return _capped(member, largest)


def _changed(entry: Entry) -> OSError:
    return OSError(errno.ESTALE, "was changed since the import was planned", entry.path)


def basename(name: str) -> str:
    """Last part of a name, whichever system wrote it."""
    return name.replace("\\", "/").rpartition("/")[2]


def plain(text: str) -> str:
    """Composed Unicode that every file can hold: half a character becomes a question mark."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return unicodedata.normalize("NFC", whole.partition("\0")[0])


def _capped(file: IO[bytes], largest: int) -> bytes:
    data = file.read(largest + 1)
    if len(data) > largest:
        raise DataError(f"is larger than {largest // 2**20} MB")
    return data


def _scan_folder(source: Path) -> Iterator[Entry]:
    seen = {source.resolve()}
    for folder, below, names in os.walk(source, onerror=_unreadable, followlinks=True):
        below[:] = [name for name in sorted(below) if _enter(Path(folder, name), seen)]
        for name in sorted(names):
            path = Path(folder, name)
            shown = _printable(path.relative_to(source))
            if name.lower().endswith(".zip"):
                yield from _scan_zip(path, shown[: -len(".zip")] + "/")
                continue
            if ".zip.part" in name.lower():
                whole = str(path)[: str(path).lower().index(".zip.part") + len(".zip")]
                # Parts are numbered by bytes, without leading zeros: part10 comes after part2.
                raise DataError(
                    f"{path} is one part of a zip. Put the parts together first: "
                    f"ls -v {quote(whole)}.part* | xargs -d '\\n' cat > {quote(whole)}"
                )
            try:
                found = path.stat()
            except OSError:  # a link that leads nowhere
                continue
            yield Entry(shown, str(path), -1, found.st_size, found.st_mtime_ns)


def _enter(folder: Path, seen: set[Path]) -> bool:
    """Whether a folder is new (a link may lead back) and no work of edgefer's: OUT may lie here."""
    real = folder.resolve()
    own = folder.name.startswith(".") or folder.name.endswith(".import")
    own = own or (folder / MARKER).is_file()
    if own or real in seen:
        return False
    seen.add(real)
    return True


def _unreadable(error: OSError) -> None:
    raise DataError(f"{error.filename} cannot be read: {error.strerror}.") from error


def _scan_zip(path: Path, below: str) -> Iterator[Entry]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (OSError, *_DAMAGED) as error:
        raise DataError(
            f"{path} is damaged, or its download was cut off ({error}). Download it again, or "
            "leave it out."
        ) from error
    for index, info in enumerate(infos):
        if not info.is_dir():
            name = below + entry_name(info)
            yield Entry(name, str(path), index, info.file_size, info.CRC)


def entry_name(info: zipfile.ZipInfo) -> str:
    """Name of a zip's entry, composed Unicode.

    Korean Windows writes CP949 without saying so, macOS writes UTF-8 without saying so; `zipfile`
    takes both for CP437, which loses nothing. CP949 text is hardly ever valid UTF-8.
    """
    name = info.orig_filename
    if not info.flag_bits & _UTF8_NAME:
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "cp949"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return plain(name.replace("\\", "/"))


def _printable(path: Path) -> str:
    """A path as composed Unicode; a part that is no UTF-8 is tried as CP949."""
    return "/".join(map(_printable_part, path.parts))


def _printable_part(part: str) -> str:
    raw = os.fsencode(part)
    try:
        return plain(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return plain(raw.decode("cp949", "replace"))


_opened = threading.local()


def _archive(path: str, changed: int, size: int) -> zipfile.ZipFile:
    """The zip, kept open: a list of fifteen thousand photos takes a while to read."""
    if not hasattr(_opened, "archive"):
        _opened.archive = lru_cache(maxsize=4)(lambda path, *_: zipfile.ZipFile(path))
    archive: zipfile.ZipFile = _opened.archive(path, changed, size)
    return archive
