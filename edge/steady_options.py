"""What is told of a face that was found: options of ``edgefer run``."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypedDict

import click

if TYPE_CHECKING:
    from .quality import Gate
    from .steady import Steady


class Telling(TypedDict):
    """Arguments of `edgefer.edge.stream.run`."""

    gate: "Gate | None"
    steady: "Steady"


OPTIONS = (
    click.option(
        "--smooth",
        type=click.FloatRange(0, 60),
        default=0.2,
        show_default=True,
        metavar="SECONDS",
        help="Time constant of a mean over each face's answers, which also keeps an emotion until "
        "it was behind for half of that time; 0 tells every answer as it is. Pictures of a "
        "folder are never smoothed.",
    ),
    click.option(
        "--unsure",
        type=click.FloatRange(0, 1),
        default=0.0,
        show_default=True,
        metavar="SHARE",
        help="Tell answers that are less sure than this as unsure. Confidence is the model's own, "
        "not calibrated: try it on your own pictures.",
    ),
    click.option(
        "--quality",
        type=click.Choice(["on", "off"]),
        default="on",
        show_default=True,
        help="Tell a face that is too blurred, dark, bright or small (below 32 pixels) as unsure, "
        "with confidence 0, and do not ask the model.",
    ),
)


def telling_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets ``telling``: what makes the loop's arguments."""

    @wraps(command)
    def gather(*, smooth: float, unsure: float, quality: str, **others: Any) -> None:
        def telling() -> Telling:
            from .quality import readable
            from .steady import Steady

            return {
                "gate": readable if quality == "on" else None,
                "steady": Steady(smooth, unsure=unsure),
            }

        command(telling=telling, **others)

    for option in reversed(OPTIONS):
        gather = option(gather)
    return gather
