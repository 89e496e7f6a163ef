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

FINDING = ("min_face", "neighbors", "every")  # what decides whether a face is found


class Tuning:
    """A sink that takes what another thread asks for, and sets it between two frames.

    What was changed is told at once and at the end, in the words of the command line: it is lost
    with the run.
    """

    def __init__(self, watcher: Watcher, *, covered: bool = False) -> None:
        """Change nothing yet.

        Parameters
        ----------
        watcher : Watcher
            Whose settings they are.
        covered : bool
            Whether faces are covered: then nobody may ask for fewer of them to be found.
        """
        self._watcher, self._lock = watcher, threading.Lock()
        steady, wishes = watcher.steady, watcher.follower.wishes
        self._first = self._held = Settings(
            steady.unsure,
            steady.smooth,
            watcher.reader.gate is not None,
            wishes.min_face,
            wishes.neighbors,
            wishes.every,
        )
        self._wanted = self._held
        self._fixed = dict.fromkeys(DEAF.get(wishes.detector, ()), f"{wishes.detector} has none")
        if covered:
            self._fixed |= dict.fromkeys(
                FINDING, "faces are covered, and all of them are to be found"
            )

    def to_json(self) -> dict[str, Any]:
        """Settings from the next frame on, those of the start, and what to type for the former."""
        wanted, first = self._wanted, self._first
        return {
            "now": self._told(wanted),
            "start": self._told(first),
            "typed": wanted.options(first),
        }

    def ask(self, changes: Mapping[str, object]) -> None:
        """Ask for other settings, from any thread.

        Raises
        ------
        EdgeferError
            As `Settings.changed`, and if the detector has no use for one, or it stays as it is
            because faces are covered.
        """
        for name in changes:
            if name in self._fixed:
                raise EdgeferError(f"{name} cannot be changed: {self._fixed[name]}.")
        with self._lock:
            self._wanted = self._wanted.changed(changes)

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        """Set what was asked for meanwhile."""
        before, wanted = self._held, self._wanted
        if wanted is before:
            return
        # Without the lock: a detector may take its time to open, and who asks waits for nobody.
        try:
            self._apply(wanted)
        except Exception as error:  # a detector's file may be gone, or it is somebody's own
            say(f"not tuned: {error}")
            with self._lock:
                if self._wanted is wanted:
                    self._wanted = before
            return
        self._held = wanted
        if changed := wanted.options(before):
            say(f"tuned: {changed}")

    def close(self) -> None:
        """Tell what to type for the next run to begin as this one ended."""
        if changed := self._held.options(self._first):
            say(f"tuned while it ran; to begin so: {changed}")

    def _told(self, settings: Settings) -> dict[str, Any]:
        told = asdict(settings).items()
        return {name: value for name, value in told if name not in self._fixed}

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
