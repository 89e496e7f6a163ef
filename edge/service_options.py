"""Options of a run that starts unseen: checked now, where somebody can mend them."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from edgefer.bundle import packaged

from .secrets import hide_secrets
from .service import STATE, Wanted, interpreter_paths

MEMORY = r"\d+[KMGT]?|\d+%"


def wanted(options: tuple[str, ...], config: Path | None, *, memory: str) -> Wanted:
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
        if hide_secrets(word) != word:
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
    camera, stall = str(held["camera"]), float(held.get("stall", 0))
    named = [Path(value) for value in values if value.startswith("/")]
    return Wanted(
        python=sys.executable,
        options=options,
        config=config,
        visible=(*interpreter_paths(), *(path for path in named if path.exists())),
        memory=memory,
        # A camera that is silent that long is opened again, and that is a sign of life.
        watchdog=max(60.0, 3 * stall),
        jetson=camera.partition(":")[0] == "jetson" or "nvarguscamerasrc" in camera,
    )


def _values(held: dict[str, object]) -> Iterator[str]:
    """Every text and path among the options."""
    for value in held.values():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, (str, Path)):
                yield str(each)


def _reachable(value: str) -> None:
    """Refuse a path that means something else to the service, or is not for it to write."""
    found = re.fullmatch(r"(jsonl|csv|video):(/[^?]*)(\?.*)?", value)
    if found and not Path(found[2]).is_relative_to(STATE):
        kept = f"{found[1]}:{Path(found[2]).name}{found[3] or ''}"
        raise click.UsageError(
            f"the service may write only to {STATE}: type {kept}, which goes there."
        )
    path = Path(value)
    if value in packaged() or value.isdecimal():  # the name of a bundle, the number of a camera
        return
    if not path.is_absolute() and path.exists():
        raise click.UsageError(
            f"the service starts in {STATE}, where there is no {value}. Type {path.resolve()}."
        )
