"""Say how far long work is: a bar on a terminal, plain lines anywhere; keep libraries quiet."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def say(text: str) -> None:
    """One line on standard error: standard output is for results."""
    print(text, file=sys.stderr, flush=True)


def console() -> "Console":
    """Where progress bars go: the terminal behind standard error, or nowhere."""
    # It takes a third of the time that the command line needs to load, and a device draws no bars.
    from rich.console import Console

    return Console(stderr=True, quiet=not sys.stderr.isatty())


@contextmanager
def hushed() -> Iterator[list[str]]:
    """Keep back what libraries in C++ write to standard error, unless the work fails.

    With ``EDGEFER_VERBOSE`` set in the environment nothing is kept back.

    Yields
    ------
    list of str
        Gets what was kept back, as one text, when the work is done.
    """
    heard: list[str] = []
    if os.environ.get("EDGEFER_VERBOSE"):
        yield heard
        return
    sys.stderr.flush()
    kept = os.dup(2)
    # In memory: a run leaves nothing on a disk, and may have none that takes anything.
    with open(os.memfd_create("hushed"), "w+b") as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield heard
        except KeyboardInterrupt:
            raise  # no failure of theirs
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
        aside.seek(0)
        heard.append(aside.read().decode(errors="replace"))
