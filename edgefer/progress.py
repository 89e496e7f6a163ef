"""Say how far long work is: a bar on a terminal, plain lines anywhere."""

import sys

from rich.console import Console


def say(text: str) -> None:
    """One line on standard error: standard output is for results."""
    print(text, file=sys.stderr, flush=True)


def console() -> Console:
    """Where progress bars go: the terminal behind standard error, or nowhere."""
    return Console(stderr=True, quiet=not sys.stderr.isatty())
