"""How pictures with readings look: options of ``edgefer run``."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from edgefer.sections import section

from .look import Look

_options = section(
    "Pictures",
    click.option(
        "--lang",
        type=click.Choice(["en", "ko"]),
        default="en",
        show_default=True,
        help="Language of names drawn into pictures, and of the web page.",
    ),
    click.option(
        "--font",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="A font with Hangul for --lang ko; without it one is looked for.",
    ),
    click.option(
        "--blur-faces",
        is_flag=True,
        help="Make faces that are found unreadable in window, video and web.",
    ),
)


def picture_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add these options to a command, which gets them as a ``look``."""

    @wraps(command)
    def wrapped(*args: Any, lang: str, font: Path | None, blur_faces: bool, **rest: Any) -> Any:
        if font is not None and lang != "ko":
            raise click.UsageError("--font is for --lang ko.")
        return command(*args, look=Look(lang, font, blur_faces), **rest)

    return _options(wrapped)
