"""What is told of a face that was found: options of ``edgefer run``."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from edgefer.sections import section

from .settings import RANGES

if TYPE_CHECKING:
    from edgefer.bundle import Bundle

    from .faces import Reader
    from .shadow import Model
    from .steady import Steady

# Of a bundle, one of its models and that role: what reads, and what keeps it steady.
Telling = Callable[["Bundle", "Model", str], "tuple[Reader, Steady]"]

# Where confidence is calibrated, an answer below it is wrong two times in three: of PublicTest's
# 3,589 faces the packaged model in int8 is less sure of 9 %, and right about 34 % of those.
UNSURE = 0.4

_options = section(
    "Answers",
    click.option(
        "--smooth",
        type=click.FloatRange(*RANGES["smooth"]),
        default=0.2,
        show_default=True,
        metavar="SECONDS",
        help="Time constant of a mean over each face's answers, which also keeps an emotion until "
        "it was behind for half of that time; 0 tells every answer as it is. Pictures of a "
        "folder are never smoothed.",
    ),
    click.option(
        "--unsure",
        type=click.FloatRange(*RANGES["unsure"]),
        metavar="SHARE",
        help="Tell answers that are less sure than this as unsure; 0 tells all.  [default: "
        f"{UNSURE} where the bundle knows how sure its model may be (export --faces), else 0]",
    ),
    click.option(
        "--quality",
        type=click.Choice(["on", "off"]),
        default="on",
        show_default=True,
        help="Tell a face that is too blurred, noisy, dark, bright, small (below 32 pixels) or "
        "turned away as unsure, with confidence 0, and do not ask the model.",
    ),
    click.option(
        "--min-confidence",
        type=click.FloatRange(0, 1),
        default=0.0,
        show_default=True,
        metavar="SHARE",
        help="Leave out answers that are less sure than this.",
    ),
)


def telling_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command.

    It gets ``telling``, see `Telling`, and ``min_confidence`` as it is.
    """

    @wraps(command)
    def gather(*, smooth: float, unsure: float | None, quality: str, **others: Any) -> None:
        def telling(bundle: "Bundle", model: "Model", role: str) -> "tuple[Reader, Steady]":
            from .faces import Reader
            from .quality import flaws
            from .steady import Steady

            reader = Reader.of(bundle, model, role, gate=flaws if quality == "on" else None)
            below = (UNSURE if reader.calibrated else 0.0) if unsure is None else unsure
            return reader, Steady(smooth, unsure=below)

        command(telling=telling, **others)

    return _options(gather)
