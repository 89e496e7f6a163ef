"""How faces are found: options of ``edgefer run``."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgefer.sections import section

if TYPE_CHECKING:
    from .track import Follower

# What each detector has no use for.
DEAF = {"haar": ["detector_model"], "yunet": ["scale", "neighbors", "cascade"]}

_options = section(
    "Faces",
    click.option(
        "--detector",
        default="haar",
        show_default=True,
        metavar="NAME",
        help="What finds faces: haar, yunet (with --detector-model), or your own "
        "package.module:attribute.",
    ),
    click.option(
        "--detector-model",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="The network of yunet: face_detection_yunet_2023mar.onnx of OpenCV's model zoo.",
    ),
    click.option(
        "--cascade",
        type=click.Choice(["default", "alt", "alt2", "alt_tree"]),
        default="default",
        show_default=True,
        help="Which of OpenCV's frontal cascades haar uses.",
    ),
    click.option(
        "--every",
        type=click.IntRange(1),
        default=10,
        show_default=True,
        metavar="N",
        help="Search whole frames for new faces once in N; known faces are looked for near where "
        "they were. 1 searches every frame with patience.",
    ),
    click.option(
        "--min-face",
        type=click.IntRange(24),
        default=60,
        show_default=True,
        metavar="PIXELS",
        help="Smallest face to look for.",
    ),
    click.option(
        "--scale",
        type=click.FloatRange(1.01, 2.0),
        default=1.2,
        show_default=True,
        metavar="FACTOR",
        help="Step between the sizes of face that are tried; nearer to 1 is slower and finds more.",
    ),
    click.option(
        "--neighbors",
        type=click.IntRange(1),
        default=4,
        show_default=True,
        metavar="N",
        help="How many overlapping finds make a face; more means fewer false ones. A face that is "
        "followed needs half as many.",
    ),
)


def detector_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets ``follow``: threads -> Follower."""

    @wraps(command)
    def gather(
        *,
        detector: str,
        detector_model: Path | None,
        cascade: str,
        every: int,
        min_face: int,
        scale: float,
        neighbors: int,
        **others: Any,
    ) -> None:
        context = click.get_current_context()
        for name in DEAF.get(detector, []):
            if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
                raise click.UsageError(f"--detector {detector} has no --{name.replace('_', '-')}.")

        def follow(threads: int) -> "Follower":
            from .detectors import Wishes, open_detector
            from .track import Follower

            wishes = Wishes(min_face, scale, neighbors, threads, cascade, detector_model)
            return Follower(open_detector(detector, wishes), every=every)

        command(follow=follow, **others)

    return _options(gather)
