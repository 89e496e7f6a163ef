"""Where readings go, one file per kind of output."""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edgefer.errors import EdgeferError, meant
from edgefer.plugins import build, resolve

from ..look import Look
from ..reading import Frame, Reading
from ..secrets import hide_secrets
from .vitals import Listener, Vitals, listeners, lost

if TYPE_CHECKING:
    from ..tuning import Tuning

__all__ = [
    "SINKS",
    "Listener",
    "Sink",
    "Stop",
    "Vitals",
    "Wanted",
    "listeners",
    "lost",
    "open_sink",
    "open_sinks",
]


class Sink(Protocol):
    """Something that takes what was read.

    A sink that leaves readings out counts them in ``dropped`` and has a ``name``; one that wants to
    know how the run goes has a ``tell``, as in `Listener`.
    """

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        """Take a frame and its readings, from left to right; there may be none.

        The image is lent: a sink that draws makes a copy. It may raise `Stop`.
        """
        ...

    def close(self) -> None:
        """Finish what was begun; called once."""
        ...


class Stop(Exception):
    """Raised by a sink whose user wants the run to end."""


@dataclass(frozen=True)
class Wanted:
    """What a run asks of all its sinks; each takes what concerns it.

    Attributes
    ----------
    force : bool
        Replace a file that is there.
    look : Look
        How sinks that show pictures show them.
    tuning : Tuning or None
        What takes changes of a run's settings while it goes on.
    """

    force: bool
    look: Look
    tuning: "Tuning | None" = None


def _console(where: str, wanted: Wanted) -> Sink:
    from .console import ConsoleSink

    if where:
        raise EdgeferError(f"console takes no {where!r}. For a file, try: --sink jsonl:{where}.")
    return ConsoleSink()


def _jsonl(where: str, wanted: Wanted) -> Sink:
    from .jsonl import open_jsonl

    return open_jsonl(_path("jsonl", where), force=wanted.force)


def _csv(where: str, wanted: Wanted) -> Sink:
    from .csv import open_csv

    return open_csv(_path("csv", where), force=wanted.force)


def _video(where: str, wanted: Wanted) -> Sink:
    from .video import VideoSink

    return VideoSink(_path("video", where), force=wanted.force, look=wanted.look)


def _window(where: str, wanted: Wanted) -> Sink:
    from .window import WindowSink

    return WindowSink(where or "edgefer", look=wanted.look)


def _web(where: str, wanted: Wanted) -> Sink:
    from .web.address import parse_address
    from .web.sink import WebSink

    return WebSink(parse_address(where), look=wanted.look, tuning=wanted.tuning)


def _webhook(where: str, wanted: Wanted) -> Sink:
    from .webhook import open_webhook

    return open_webhook(where)


def _mqtt(where: str, wanted: Wanted) -> Sink:
    from .mqtt import MqttSink
    from .mqtt_address import parse_address

    return MqttSink(parse_address("mqtt", where))


def _mqtts(where: str, wanted: Wanted) -> Sink:
    from .mqtt import MqttSink
    from .mqtt_address import parse_address

    return MqttSink(parse_address("mqtts", where))


def _warnings(where: str, wanted: Wanted) -> Sink:
    from .warnings import open_warnings

    return open_warnings(_path("warnings", where), force=wanted.force)


def _prometheus(where: str, wanted: Wanted) -> Sink:
    from .prometheus import PrometheusSink

    return PrometheusSink(where)


# What follows the name and a colon goes to the function.
SINKS: dict[str, Callable[[str, Wanted], Sink]] = {
    "console": _console,
    "jsonl": _jsonl,
    "csv": _csv,
    "video": _video,
    "window": _window,
    "webhook": _webhook,
    "mqtt": _mqtt,
    "mqtts": _mqtts,
    "prometheus": _prometheus,
    "web": _web,
    "warnings": _warnings,
}


def open_sink(
    spec: str,
    *,
    force: bool = False,
    look: Look | None = None,
    tuning: "Tuning | None" = None,
) -> Sink:
    """Open what a string names.

    Parameters
    ----------
    spec : str
        ``NAME`` or ``NAME:REST`` of `SINKS`, or ``package.module:attribute``, which is called
        without arguments.
    force : bool
        Replace a file that is there.
    look : Look, optional
        How sinks that show pictures show them.
    tuning : Tuning, optional
        What takes changes of a run's settings while it goes on.

    Raises
    ------
    EdgeferError
        If there is no such sink, or it cannot write where it should.
    """
    kind, _, rest = spec.partition(":")
    if kind in SINKS:
        return SINKS[kind](rest, Wanted(force, look or Look(), tuning))
    if re.fullmatch(r"[\w.]+:\w+", spec):
        own = resolve(spec, SINKS)
        made: Sink = build(spec, own, "edgefer.edge.sinks.Sink", ("write", "close"))
        return made
    said = meant(kind, SINKS) or (
        "Choose console, jsonl:PATH, csv:PATH, video:PATH, window, web:PORT, webhook:URL, "
        "mqtt://HOST/TOPIC, mqtts://HOST/TOPIC, prometheus:PORT, warnings:PATH, or your own "
        "package.module:attribute."
    )
    raise EdgeferError(f"there is no sink {_shown(spec)!r}. {said}")


def open_sinks(
    specs: Iterable[str],
    *,
    force: bool = False,
    look: Look | None = None,
    tuning: "Tuning | None" = None,
) -> list[Sink]:
    """Open all of them or none; as `open_sink`.

    Raises
    ------
    EdgeferError
        If one cannot be opened, or is named twice.
    """
    specs = list(specs)
    twice = [spec for spec in dict.fromkeys(specs) if specs.count(spec) > 1]
    if twice:
        raise EdgeferError(f"--sink {_shown(twice[0])} is given twice: leave one out.")
    with ExitStack() as opened:
        sinks = []
        for spec in specs:
            sinks.append(open_sink(spec, force=force, look=look, tuning=tuning))
            opened.callback(sinks[-1].close)
        opened.pop_all()
    return sinks


def _path(kind: str, where: str) -> str:
    if not where:
        raise EdgeferError(f"{kind} needs a file. Type: --sink {kind}:PATH.")
    return where


def _shown(spec: str) -> str:
    """What was typed, without a password, also where the address is typed wrongly."""
    return re.sub(r"(?<=:)\S*@", "***@", hide_secrets(spec))
