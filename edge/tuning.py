"""Change a run's settings while it goes on."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from edgefer.errors import EdgeferError

from .quality import flaws
from .reading import Frame, Reading
from .settings import Settings
from .trouble import say
from .watcher import Watcher
from .wishes import DEAF


class Tuning:
    """A sink that takes what another thread asks for, and sets it between two frames.

    What was changed is told at once and at the end, in the words of the command line: it is lost
    with the run.
    """

    def __init__(self, watcher: Watcher) -> None:
        """Change nothing yet."""
        self._watcher, self._lock = watcher, threading.Lock()
        steady, wishes = watcher.steady, watcher.follower.wishes
        self._start = self._set = Settings(
            steady.unsure,
            steady.smooth,
            watcher.reader.gate is not None,
            wishes.min_face,
            wishes.neighbors,
            wishes.every,
        )
        self._asked = self._set
        self._deaf = DEAF.get(wishes.detector, ())

    def to_json(self) -> dict[str, Any]:
        """Settings from the next frame on, those of the start, and what to type for the former."""
        now, start = self._asked, self._start
        return {
            "now": self._told(now),
            "start": self._told(start),
            "typed": now.options(start),
        }

    def ask(self, changes: Mapping[str, object]) -> None:
        """Ask for other settings, from any thread.

        Raises
        ------
        EdgeferError
            As `Settings.changed`, and if the detector has no use for one.
        """
        for name in changes:
            if name in self._deaf:
                raise EdgeferError(f"this detector has no {name}.")
        with self._lock:
            self._asked = self._asked.changed(changes)

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        """Set what was asked for meanwhile."""
        if self._asked is self._set:
            return
        with self._lock:
            before, self._set = self._set, self._asked
            try:
                self._apply(self._set)
            except EdgeferError as error:  # a detector's file may be gone by now
                self._set = self._asked = before
                say(f"not tuned: {error}")
        if changed := self._set.options(before):
            say(f"tuned: {changed}")

    def close(self) -> None:
        """Tell what to type for the next run to begin as this one ended."""
        if changed := self._set.options(self._start):
            say(f"tuned while it ran; to begin so: {changed}")

    def _told(self, settings: Settings) -> dict[str, Any]:
        return {name: value for name, value in asdict(settings).items() if name not in self._deaf}

    def _apply(self, settings: Settings) -> None:
        watcher = self._watcher
        watcher.follower.wish(
            replace(
                watcher.follower.wishes,
                min_face=settings.min_face,
                neighbors=settings.neighbors,
                every=settings.every,
            )
        )
        watcher.steady.smooth, watcher.steady.unsure = settings.smooth, settings.unsure
        watcher.reader.gate = flaws if settings.quality else None
