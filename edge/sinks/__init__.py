"""Where readings go, one file per kind of output."""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Protocol

from edgefer.errors import EdgeferError
from edgefer.plugins import build, resolve

from ..look import Look
from ..reading import Frame, Reading


class Sink(Protocol):
    """Something that takes what was read."""

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


def _console(where: str, force: bool) -> Sink:
    from .console import ConsoleSink

    if where:
        raise EdgeferError(f"console takes no {where!r}. For a file, try: --sink jsonl:{where}.")
    return ConsoleSink()


def _jsonl(where: str, force: bool) -> Sink:
    from .jsonl import JsonlSink

    return JsonlSink(_path("jsonl", where), force=force)


def _video(where: str, force: bool, look: Look) -> Sink:
    from .video import VideoSink

    return VideoSink(_path("video", where), force=force, look=look)


def _window(where: str, force: bool, look: Look) -> Sink:
    from .window import WindowSink

    return WindowSink(where or "edgefer", look=look)


def _web(where: str, force: bool, look: Look) -> Sink:
    from .web.address import parse_address
    from .web.sink import WebSink

    return WebSink(parse_address(where), look=look)


# What follows the name and a colon goes to the function, and whether files may be replaced.
SINKS: dict[str, Callable[[str, bool], Sink]] = {
    "console": _console,
    "jsonl": _jsonl,
}

# The same for those that show pictures; they also take how these look.
SHOWS: dict[str, Callable[[str, bool, Look], Sink]] = {
    "video": _video,
    "window": _window,
    "web": _web,
}


def open_sink(spec: str, *, force: bool = False, look: Look | None = None) -> Sink:
    """Open what a string names.

    Parameters
    ----------
    spec : str
        ``NAME`` or ``NAME:REST`` of `SINKS` or `SHOWS`, or ``package.module:attribute``, which is
        called without arguments.
    force : bool
        Replace a file that is there.
    look : Look, optional
        How sinks that show pictures show them.

    Raises
    ------
    EdgeferError
        If there is no such sink, or it cannot write where it should.
    """
    kind, _, rest = spec.partition(":")
    if kind in SINKS:
        return SINKS[kind](rest, force)
    if kind in SHOWS:
        return SHOWS[kind](rest, force, look or Look())
    if re.fullmatch(r"[\w.]+:\w+", spec):
        own = resolve(spec, {})
        made: Sink = build(spec, own, "edgefer.edge.sinks.Sink", ("write", "close"))
        return made
    raise EdgeferError(
        f"there is no sink {spec!r}. Choose console, jsonl:PATH, video:PATH, window, web:PORT, or "
        "your own package.module:attribute."
    )


def open_sinks(
    specs: Iterable[str], *, force: bool = False, look: Look | None = None
) -> list[Sink]:
    """Open all of them or none.

    Raises
    ------
    EdgeferError
        If one cannot be opened, or is named twice.
    """
    specs = list(specs)
    twice = [spec for spec in dict.fromkeys(specs) if specs.count(spec) > 1]
    if twice:
        raise EdgeferError(f"--sink {twice[0]} is given twice: leave one out.")
    with ExitStack() as opened:
        sinks = []
        for spec in specs:
            sinks.append(open_sink(spec, force=force, look=look))
            opened.callback(sinks[-1].close)
        opened.pop_all()
    return sinks


def _path(kind: str, where: str) -> str:
    if not where:
        raise EdgeferError(f"{kind} needs a file. Type: --sink {kind}:PATH.")
    return where
