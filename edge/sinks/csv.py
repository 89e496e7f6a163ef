"""Readings as a table, for spreadsheets."""

import csv
import io
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from edgefer.errors import EdgeferError

from .logfile import LogFile, LogOutlet
from .options import parse_rotation, split_options
from .outlet import Entry, clock
from .queued import Queued

# A spreadsheet that finds no such mark reads Hangul as something else.
MARK = "\ufeff"
BOX = ("x", "y", "width", "height")
COLUMNS = ("time", "index", "seconds", "name", "face", *BOX, "emotion", "confidence", "flaw")
START = f"{MARK}{','.join(COLUMNS)},".encode()
FORMULA = tuple("=+-@＝＋－＠")  # with East Asian settings the wide ones count too


def open_csv(where: str, *, force: bool = False) -> Queued:
    """A table of one row per reading, with a column for each emotion's probability.

    Parameters
    ----------
    where : str
        A file; ``PATH?max=10MB&keep=5`` begins a new one at that size.
    force : bool
        Begin an existing file anew.

    Raises
    ------
    EdgeferError
        If nothing can be written there, or the file holds something else.
    """
    path, options = split_options(where, ("max", "keep"))
    if path == "-":
        raise EdgeferError("csv needs a file. For standard output, try: --sink jsonl:-.")
    there = b"" if force else _header(path)
    file = LogFile(path, START, parse_rotation(options), force=force)
    if there and not there.endswith(b"\n"):  # a power cut left less than a header
        file.clear()
        there = b""
    return Queued(CsvOutlet(file, path, there), path)


class CsvOutlet(LogOutlet):
    """Rows under one header; a file of other emotions is left alone."""

    def __init__(self, file: LogFile, path: str, there: bytes = b"") -> None:
        """Begin below a header that is there already, if it is."""
        super().__init__(file, lambda entry: _row(_cells(entry)))
        self._log, self._path, self._there = file, path, there

    def send(self, waiting: deque[Entry]) -> None:
        if waiting and not self._log.head:
            self._begin(tuple(waiting[0].row["probabilities"]))
        super().send(waiting)

    def _begin(self, emotions: tuple[str, ...]) -> None:
        head = MARK.encode() + _row((*COLUMNS, *map(_plain, emotions)))
        if self._there and self._there != head:
            raise EdgeferError(
                f"{self._path} has columns for other emotions than {', '.join(emotions)}. Replace "
                "it with --force, or choose another name."
            )
        self._log.head = head


def _header(path: str) -> bytes:
    """First line of a table that is there; empty if there is none."""
    try:
        if not Path(path).is_file():
            return b""
        with open(path, "rb") as file:
            return file.readline(100_000)
    except OSError:
        return b""  # opening it for writing tells why


def _cells(entry: Entry) -> Iterable[object]:
    row = entry.row
    yield from (clock(entry.time), row["index"], row["seconds"], _plain(entry.name), row["face"])
    yield from (*row["box"], _plain(row["emotion"]), row["confidence"], row["flaw"])
    yield from row["probabilities"].values()


def _plain(text: str) -> str:
    """Text on one line that no spreadsheet takes for a formula."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return f"'{line}" if line.lstrip().startswith(FORMULA) else line


def _row(cells: Iterable[object]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()
