"""What a run came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .shadow import Agreement

STEPS = ("read", "detect", "classify", "sinks")


@dataclass(frozen=True)
class Summary:
    """What a run came to.

    Attributes
    ----------
    grabbed : int
        Frames that the camera took: ``frames + dropped``, exactly.
    frames : int
        Frames that were looked at, and whose readings every sink got.
    dropped : int
        Frames that were not: a live camera was faster, a file's frame was damaged, or the run ended
        while a frame was at hand.
    faces : int
        Faces told, over all frames.
    frames_with_face : int
        Frames with at least one.
    seconds : float
        How long it took, from the start to the last frame; closing is not counted.
    milliseconds : mapping of str to float
        Mean time of a frame in each of `STEPS`; waiting for a camera counts as ``read``.
    ended : str
        Why it ended.
    reconnects : int
        How often a live camera, or a file that starts again, was lost and came back.
    lost : mapping of str to int
        Readings that sinks with a queue left out, by the sink's name.
    unread : mapping of str to int
        Of the faces, those that a gate refused, by their flaw: told as ``unsure``, with
        confidence 0.
    left_out : int
        Faces that were read and not told: they were less sure than was asked for.
    shadow : Agreement, optional
        How often float and int8 agreed, where both ran.
    warnings : tuple of str
        What was wrong at the end: pictures that stay the same, faces unlike those that the model
        was calibrated on.
    """

    grabbed: int
    frames: int
    dropped: int
    faces: int
    frames_with_face: int
    seconds: float
    milliseconds: dict[str, float]
    ended: str
    reconnects: int = 0
    lost: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)
    left_out: int = 0
    shadow: Agreement | None = None
    warnings: tuple[str, ...] = ()

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.frames / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "grabbed": self.grabbed,
            "frames": self.frames,
            "dropped": self.dropped,
            "faces": self.faces,
            "frames_with_face": self.frames_with_face,
            "seconds": round(self.seconds, 3),
            "fps": round(self.fps, 2),
            "milliseconds": {step: round(ms, 3) for step, ms in self.milliseconds.items()},
            "ended": self.ended,
            "reconnects": self.reconnects,
            "lost": dict(self.lost),
            "unread": dict(self.unread),
            "left_out": self.left_out,
            "shadow": self.shadow.to_json() if self.shadow else None,
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        steps = ", ".join(f"{step} {ms:.1f}" for step, ms in self.milliseconds.items())
        ended = {
            "SIGINT": "stopped by Ctrl-C",
            "SIGTERM": "stopped by SIGTERM",
            "SIGHUP": "the terminal was closed (SIGHUP)",
        }
        return (
            f"{_count(self.frames, 'frame')} in {self.seconds:.1f} s ({self.fps:.1f} a second), "
            f"{self.dropped} dropped; {ended.get(self.ended, self.ended)}\n"
            f"{_count(self.faces, 'face')} in {_count(self.frames_with_face, 'frame')}"
            + (f", {self._flaws} (--quality)" if self.unread else "")
            + (f", {self.left_out} left out (--min-confidence)" if self.left_out else "")
            + (f"\nms a frame: {steps}" if self.frames else "")
            + (f"\nthe camera came back {_times(self.reconnects)}" if self.reconnects else "")
            + "".join(
                f"\n{name}: {_count(count, 'reading')} lost"
                for name, count in self.lost.items()
                if count
            )
            + (f"\n{self.shadow}" if self.shadow else "")
            + "".join(f"\nwarning: {warning}" for warning in self.warnings)
        )

    @property
    def _flaws(self) -> str:
        """How many were not read, and why."""
        why = ", ".join(f"{number} {flaw}" for flaw, number in self.unread.items())
        return f"{sum(self.unread.values())} too poor to read: {why}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")
