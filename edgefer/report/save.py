"""Write the comparison to files; the suffix tells the form."""

import json
import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from edgefer.errors import EdgeferError
from edgefer.folders import write_file
from edgefer.report.comparison import Comparison
from edgefer.report.table import to_markdown


def to_json(comparison: Comparison) -> str:
    """One JSON document."""
    return json.dumps(comparison.to_json(), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _html(comparison: Comparison) -> str:
    from edgefer.report.page import to_html

    return to_html(comparison)


FORMS: dict[str, Callable[[Comparison], str]] = {
    ".html": _html,
    ".md": to_markdown,
    ".json": to_json,
}


def check(paths: Iterable[Path], *, force: bool = False, suffixes: Collection[str] = FORMS) -> None:
    """Refuse, before the work, files that could not or should not be written after it.

    Raises
    ------
    EdgeferError
        If a suffix is unknown, a file is there and may not be replaced, or its folder is not one.
    """
    for path in paths:
        if path.suffix.lower() not in suffixes:
            names = ", ".join(f"NAME{suffix}" for suffix in suffixes)
            raise EdgeferError(f"{path} has no suffix of a report. Name it {names}.")
        if path.is_dir():
            raise EdgeferError(f"{path} is a folder. Choose another name with -o.")
        if path.exists() and not force:
            raise EdgeferError(
                f"{path} exists. Replace it with --force, or choose another name with -o."
            )
        existing = next(parent for parent in path.absolute().parents if parent.exists())
        if not existing.is_dir():
            raise EdgeferError(f"cannot write {path}: {existing} is no folder.")
        if not os.access(existing, os.W_OK):
            raise EdgeferError(f"cannot write {path}: {existing} is read-only for you.")


def save(comparison: Comparison, path: Path) -> None:
    """Write a report whole or not at all.

    Raises
    ------
    EdgeferError
        If the file cannot be written.
    """
    text = FORMS[path.suffix.lower()](comparison)
    write_file(path, text.encode(), force=True)  # `check` has asked before the work
