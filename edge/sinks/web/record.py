"""Readings kept on request: a file of JSON lines for each time that somebody asks."""

import os
import re
import stat
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from edgefer.errors import EdgeferError, why

from ...reading import Frame, Reading
from .. import Sink, open_sink

NAME = re.compile(r"readings-\d{8}-\d{6}\.jsonl")
MOST = 400_000  # readings of one recording: about 100 MB
PATIENCE = 5.0  # seconds that a run's end waits for a file's


class Recorder:
    """Begins and ends recordings; one that is forgotten ends itself.

    A disk that is full costs readings, which are not counted, and never ends the run.
    """

    def __init__(self, folder: Path | None, *, most: int = MOST) -> None:
        """Record into a folder, made if need be; None records nothing.

        Raises
        ------
        EdgeferError
            If nothing can be written there.
        """
        self._folder, self._most = folder, most
        self._lock = threading.Lock()
        self._sink: Sink | None = None  # which is written
        self._latest: Sink | None = None  # which was written last
        self._file = self._error = ""
        self._count = 0
        self._last: threading.Thread | None = None
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            except FileExistsError as error:
                raise EdgeferError(f"cannot record into {folder}: it is no folder.") from error
            except OSError as error:
                raise EdgeferError(f"cannot record into {folder}: {why(error)}.") from error

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        """Keep readings, if somebody asked for it."""
        if self._sink is None or not readings:
            return
        with self._lock:
            sink = self._sink
            if sink is None:
                return
            try:
                sink.write(frame, readings)
                self._count += len(readings)
            except EdgeferError as error:
                self._error = str(error)
            if self._count < self._most and not self._error:
                return
            self._sink = None
        # A disk that hangs would keep the loop.
        self._last = threading.Thread(target=self._close, args=(sink,), name="record", daemon=True)
        self._last.start()

    def start(self) -> None:
        """Begin a file; one that is being written goes on."""
        with self._lock:
            if self._folder is None or self._sink is not None:
                return
            path = self._folder / f"readings-{datetime.now():%Y%m%d-%H%M%S}.jsonl"
            self._file, self._error, self._count, self._latest = path.name, "", 0, None
            try:
                self._sink = self._latest = open_sink(f"jsonl:{path}")
            except EdgeferError as error:
                self._error = str(error)

    def stop(self) -> None:
        """End the file."""
        with self._lock:
            sink, self._sink = self._sink, None
        if sink is not None:
            self._close(sink)
        if self._last is not None:
            self._last.join(PATIENCE)

    def files(self) -> list[dict[str, Any]]:
        """Name and bytes of each recording, the newest first."""
        if self._folder is None:
            return []
        try:
            paths = sorted(self._folder.iterdir(), reverse=True)
        except OSError:  # a folder that is gone holds none
            return []
        kept = []
        for path in paths:
            with suppress(OSError):  # nor does it hold what goes away meanwhile
                about = path.lstat()
                if NAME.fullmatch(path.name) and stat.S_ISREG(about.st_mode):
                    kept.append({"name": path.name, "bytes": about.st_size})
        return kept

    def open(self, name: str) -> BinaryIO | None:
        """A recording of this name, to be read; None if there is none."""
        if self._folder is None or not NAME.fullmatch(name):
            return None
        try:
            # Without O_NONBLOCK the opening of a pipe would wait for a writer.
            file = os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        if stat.S_ISREG(os.fstat(file).st_mode):
            return os.fdopen(file, "rb")
        os.close(file)
        return None

    def to_json(self) -> dict[str, Any] | None:
        """How it stands; none where nothing can be recorded."""
        if self._folder is None:
            return None
        return {
            "on": self._sink is not None,
            "file": self._file,
            "count": self._count - int(getattr(self._latest, "dropped", 0)),
            "error": self._error or str(getattr(self._latest, "fault", "")),
        }

    def _close(self, sink: Sink) -> None:
        try:
            sink.close()
        except EdgeferError as error:
            self._error = str(error)
