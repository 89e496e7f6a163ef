"""Options of a run that starts unseen: checked now, where somebody can mend them."""

import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from edgefer.bundle import packaged
from edgefer.errors import EdgeferError, why

from .secrets import hide_passwords, hide_secrets
from .service import HOMES, STATE, Wanted, interpreter_paths
from .service_sinks import Needs, needs
from .wishes import Wishes

MEMORY = r"\d+[KMGT]?|\d+%"


def wanted(
    options: tuple[str, ...], config: Path | None, *, memory: str, token: Path | None = None
) -> Wanted:
    """What a unit for these options of ``edgefer run`` is made of.

    Raises
    ------
    click.UsageError
        If a run would refuse them, the service could not reach what they name, or they hold a
        password that everybody could read in the unit.
    """
    from .run_command import run

    if not re.fullmatch(MEMORY, memory):
        raise click.UsageError(f"--memory {memory!r} is no size. Type 512M, 1G or 25%.")
    if any(word.partition("=")[0] in ("--config", "--print-config") for word in options):
        raise click.UsageError("type --config before the options of run, and no --print-config.")
    for word in options:
        # A name alone is no password: that of a broker comes from elsewhere.
        bare = re.sub(r"(mqtts?://)[^\s/:@]+@", r"\1", word)
        if hide_passwords(bare) != bare:
            raise click.UsageError(
                f"everybody could read the password of {hide_secrets(word)} in the unit. Put it "
                "into a file that only root reads: --config /etc/edgefer.toml."
            )
    typed = [*options, *(["--config", str(config)] if config else [])]
    with run.make_context("run", typed) as context:
        held = context.params
    values = list(_values(held))
    for value in values:
        _reachable(value)
    try:
        asked = _asked(held, token)
    except EdgeferError as error:
        raise click.UsageError(str(error)) from error
    shown = [Path(value) for value in values if value.startswith("/")]
    handed: list[Path] = []
    for spec, asks in asked.items():
        for path in asks.writes:
            _writable(spec, path)
        for path in asks.reads:
            # The unit can tell the run where such a file is then; a configuration file cannot.
            told = path.startswith("/") and any(spec in word for word in options)
            _readable(path, by_all=not told)
            (handed if told else shown).append(Path(path))
    camera, stall = str(held["camera"]), float(held.get("stall", 0))
    return Wanted(
        python=sys.executable,
        options=options,
        config=config,
        token=token,
        handed=tuple(dict.fromkeys(handed)),
        visible=(*interpreter_paths(), *(path for path in shown if path.exists())),
        memory=memory,
        # A camera that is silent that long is opened again, and that is a sign of life.
        watchdog=max(60.0, 3 * stall),
        jetson=camera.partition(":")[0] == "jetson" or "nvarguscamerasrc" in camera,
    )


def _asked(held: Mapping[str, Any], token: Path | None) -> dict[str, Needs]:
    """What each sink needs, having opened all of a run that is neither camera nor sink."""
    from edgefer.signature import load_trusted

    from .detectors import open_detector
    from .shadow import open_model

    bundle = load_trusted(held["bundle"], held["trusted_keys"])
    open_model(bundle, held["precision"], backend=held["backend"], threads=held["threads"])
    open_detector(Wishes(**{field.name: held[field.name] for field in fields(Wishes)}))
    asked = {spec: needs(spec, force=held["force"], token=token) for spec in held["sinks"]}
    if token and not any(spec.partition(":")[0] == "web" for spec in asked):
        raise EdgeferError("--web-token is for a page to watch. Add --sink web:0.0.0.0:8080.")
    return asked


def _values(held: Mapping[str, object]) -> Iterator[str]:
    """Every text and path among the options."""
    for value in held.values():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, (str, Path)):
                yield str(each)


def _reachable(value: str) -> None:
    """Refuse a path that means something else to the service."""
    path = Path(value)
    if value in packaged() or value.isdecimal():  # the name of a bundle, the number of a camera
        return
    if not path.is_absolute() and path.exists():
        raise click.UsageError(
            f"the service starts in {STATE}, where there is no {value}. Type {path.resolve()}."
        )


def _writable(spec: str, path: str) -> None:
    """Refuse what is not for the service to write."""
    whole = Path(os.path.normpath(STATE / path))
    if not whole.is_relative_to(STATE):
        kept = spec.replace(path, whole.name)
        raise click.UsageError(
            f"the service may write only to {STATE}: type {kept}, which goes there."
        )


def _readable(path: str, *, by_all: bool) -> None:
    """Refuse a file that is not there, or that the service's user must read and cannot."""
    whole = STATE / path
    try:
        closed = not whole.stat().st_mode & stat.S_IROTH or not (
            any(map(whole.is_relative_to, HOMES))  # of which it sees this file alone
            or all(folder.stat().st_mode & stat.S_IXOTH for folder in whole.parents)
        )
    except OSError as error:
        raise click.UsageError(
            f"{whole} cannot be read: {why(error)}. Name a file from / on."
        ) from error
    if by_all and closed:
        raise click.UsageError(
            f"the service runs as a user of its own, who cannot read {path}. Name the sink as an "
            "option of this command, which then hands the file over."
        )
