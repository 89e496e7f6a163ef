"""Try something that may crash in a process of its own."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from importlib.util import find_spec
from typing import Any

from edgefer.errors import install


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
    except (ImportError, ValueError):  # where something else than Python's own looks for modules
        return False


def remedy(error: str, package: str, module: str, extra: str) -> str:
    """What to type where a package of an extra does not work.

    One that is there and broken is taken anew in its version, alone: what comes with it may fit
    nothing else here. What is missing, itself or what it imports, comes with the extra.
    """
    missing = re.search(r"(?:No module named '|import of )(\w+)", error)
    broken = is_there(module) and (not missing or missing[1] == module)
    if broken and (version := installed(package)):
        return f"pip install --force-reinstall --no-deps {package}=={version}"
    return install(extra)


def installed(package: str) -> str:
    """Version of a package that is installed; empty if it is not."""
    try:
        return version_of(package)
    except PackageNotFoundError:
        return ""
