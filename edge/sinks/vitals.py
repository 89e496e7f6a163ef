"""How a run goes, for sinks that tell others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ..shadow import Agreement
from ..words import Words


@dataclass(frozen=True)
class Vitals:
    """How a run goes.

    Attributes
    ----------
    totals : mapping of str to int
        What only grows: ``frames``, ``grabbed``, ``dropped``, ``reconnects`` ...
    states : mapping of str to float
        What goes up and down: ``temperature_celsius``; ``camera_up``, 0 while a live camera is
        lost ...
    steps : mapping of str to float
        Seconds that each step of the last frame took; none while there is no frame.
    lost : mapping of str to int
        Readings that each sink left out, by its name.
    warnings : tuple of Words
        What is wrong: pictures that stay the same, faces unlike those that the model was calibrated
        on; none while all is well.
    shadow : Agreement or None
        How often float and int8 answered alike; None where one model runs alone.
    """

    totals: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[str, float] = field(default_factory=dict)
    steps: Mapping[str, float] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[Words, ...] = ()
    shadow: Agreement | None = None

    @property
    def blind(self) -> bool:
        """Whether the camera is lost: who was seen last is not seen now."""
        return self.states.get("camera_up") == 0


@runtime_checkable
class Listener(Protocol):
    """A sink that also wants to know how the run goes."""

    def tell(self, vitals: Vitals) -> None:
        """Take what is so; called after each frame, and once a second while there is none."""
        ...


def lost(sinks: Iterable[object]) -> dict[str, int]:
    """Readings that each queued sink left out, by its name."""
    return {sink.name: sink.dropped for sink in sinks if isinstance(sink, _Counting)}


def listeners(sinks: Iterable[object]) -> list[Listener]:
    """Those that want to know how the run goes."""
    return [sink for sink in sinks if isinstance(sink, Listener)]


@runtime_checkable
class _Counting(Protocol):
    name: str
    dropped: int
