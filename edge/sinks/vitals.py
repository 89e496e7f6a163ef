"""How a run goes, for sinks that tell others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ..shadow import Agreement


@dataclass(frozen=True)
class Vitals:
    """How a run goes.

    Attributes
    ----------
    totals : mapping of str to int
        What only grows: ``frames``, ``grabbed``, ``dropped``, ``reconnects`` ...
    states : mapping of str to float
        What goes up and down: ``temperature_celsius`` ...
    steps : mapping of str to float
        Seconds that each step of the last frame took.
    lost : mapping of str to int
        Readings that each sink left out, by its name.
    warnings : tuple of str
        Sentences on what is wrong: pictures that stay the same, faces unlike those that the model
        was calibrated on; none while all is well.
    shadow : Agreement or None
        How often float and int8 answered alike; None where one model runs alone.
    """

    totals: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[str, float] = field(default_factory=dict)
    steps: Mapping[str, float] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    shadow: Agreement | None = None


@runtime_checkable
class Listener(Protocol):
    """A sink that also wants to know how the run goes."""

    def tell(self, vitals: Vitals) -> None:
        """Take what is so; called after each frame."""
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
