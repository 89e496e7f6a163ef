"""How faces are found: options of ``edgefer run`` and ``bench``."""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any

import click

from edgefer.sections import section

from .settings import RANGES
from .wishes import DEAF, DEFAULT, Wishes

_options = section(
    "Faces",
    click.option(
        "--detector",
        default=DEFAULT.detector,
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
        default=DEFAULT.cascade,
        show_default=True,
        help="Which of OpenCV's frontal cascades haar uses.",
    ),
    click.option(
        "--every",
        type=click.IntRange(*RANGES["every"]),
        default=DEFAULT.every,
        show_default=True,
        metavar="N",
        help="Search whole frames for new faces once in N; known faces are looked for near where "
        "they were. 1 searches every frame with patience.",
    ),
    click.option(
        "--min-face",
        type=click.IntRange(*RANGES["min_face"]),
        default=DEFAULT.min_face,
        show_default=True,
        metavar="PIXELS",
        help="Smallest face to look for.",
    ),
    click.option(
        "--scale",
        type=click.FloatRange(1.01, 2.0),
        default=DEFAULT.scale,
        show_default=True,
        metavar="FACTOR",
        help="Step between the sizes of face that are tried; nearer to 1 is slower and finds more.",
    ),
    click.option(
        "--neighbors",
        type=click.IntRange(*RANGES["neighbors"]),
        default=DEFAULT.neighbors,
        show_default=True,
        metavar="N",
        help="How many overlapping finds make a face; more means fewer false ones. A face that is "
        "followed needs half as many.",
    ),
)


def detector_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets ``wishes``, and keeps ``threads`` to itself."""

    @wraps(command)
    def gather(**given: Any) -> None:
        context = click.get_current_context()
        for name in DEAF.get(given["detector"], ()):
            if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
                raise click.UsageError(
                    f"--detector {given['detector']} has no --{name.replace('_', '-')}."
                )
        wished = {
            field.name: given.pop(field.name) for field in fields(Wishes) if field.name != "threads"
        }
        command(wishes=Wishes(**wished), **given)

    return _options(gather)
