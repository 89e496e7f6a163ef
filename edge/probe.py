"""Try something that may crash in a process of its own."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any


@dataclass(frozen=True)
class Printed:
    """What a small program printed: a value, or why there is none, and what else was said."""

    value: Any = None
    error: str = ""
    noise: str = ""


def command(program: str) -> list[str]:
    """Command line of a small program that finds the same edgefer and the same packages as here."""
    return [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\n{program}"]


def probe(program: str) -> Printed:
    """Run a small program that prints JSON, with ``json`` imported, in a process of its own."""
    try:
        done = subprocess.run(
            command(f"import json\n{program}"),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Printed(error="no answer within 120 seconds")
    lines = done.stderr.strip().splitlines()
    if done.returncode < 0:
        return Printed(error=f"crashes (signal {-done.returncode})", noise=done.stderr)
    if done.returncode:
        last = lines[-1] if lines else "fails and says nothing"
        # An error of edgefer's own is a sentence for people.
        return Printed(error=re.sub(r"^edgefer\.errors\.\w+: ", "", last), noise=done.stderr)
    try:
        return Printed(json.loads(done.stdout.strip().splitlines()[-1]), noise=done.stderr)
    except (ValueError, IndexError):
        return Printed(error=f"says {done.stdout[-80:]!r}", noise=done.stderr)


def is_there(module: str) -> bool:
    """Whether a module is installed; it may be broken."""
    try:
        return find_spec(module) is not None
    except ImportError:  # where something else than Python's own looks for modules
        return False


def installed(package: str) -> str:
    """Version of a package that is installed; empty if it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
