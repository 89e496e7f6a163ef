"""The same comparison on two machines: what another one measured, beside what this one did."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgefer.errors import BundleError, DataError
from edgefer.labels import Labels
from edgefer.report import words
from edgefer.report.comparison import Comparison
from edgefer.report.score import Score
from edgefer.untrusted import check_name, parse, read_file, shown, to_labels

ROLES = ("float", "int8")
COLUMNS = ("emotion", "faces", "float there", "here", "points", "int8 there", "here", "points")


@dataclass(frozen=True)
class Elsewhere:
    """What ``edgefer compare -o NAME.json`` wrote on another machine.

    Attributes
    ----------
    path : Path
        The file.
    bundle_digest, faceset_digest, split : str
        What was judged there.
    renames : mapping of str to str
        Its ``--map``.
    runtime, cpu : str
        Where it was measured.
    scores : mapping of str to Score
        Of the ``float`` and the ``int8`` model.
    """

    path: Path
    bundle_digest: str
    faceset_digest: str
    split: str
    renames: Mapping[str, str]
    runtime: str
    cpu: str
    scores: Mapping[str, Score]

    def check(
        self, bundle_digest: str, faceset_digest: str, split: str, renames: Mapping[str, str]
    ) -> None:
        """Refuse a comparison of something else.

        Raises
        ------
        DataError
            If bundle, faces, split or map differ: it says which, and what was found.
        """
        pairs = (
            ("bundle", "digest ", self.bundle_digest, bundle_digest),
            ("face set", "digest ", self.faceset_digest, faceset_digest),
            ("split", "", self.split, split),
            ("map", "", _typed(self.renames), _typed(renames)),
        )
        for what, kind, there, here in pairs:
            if there != here:
                raise DataError(
                    f"{self.path} judged another {what}: {kind}{_short(there)} there, {kind}"
                    f"{_short(here)} here. Both machines must compare the same bundle on the same "
                    "faces, with the same --split and --map."
                )

    def beside(self, here: Comparison) -> tuple[Comparison, str]:
        """Put this beside what was measured here.

        Returns
        -------
        Comparison
            The one of here; its reports tell what differs, JSON under ``against``.
        str
            The differences as a table for a terminal.

        Raises
        ------
        DataError
            If the two did not judge the same faces, or count in other emotions.
        """
        rows = differences(self, here)
        about = {
            "file": str(self.path),
            "runtime": self.runtime,
            "cpu": self.cpu,
            "models": rows,
        }
        told = {**here.about, "against": about}
        if "command" in told:
            told["command"] += f" --against {quote(str(self.path))}"
        both = replace(here, about=told)
        return both, _table(both)


def load_elsewhere(path: Path) -> Elsewhere:
    """Read what another machine measured.

    Raises
    ------
    DataError
        If the file cannot be read, or is no comparison that this edgefer wrote.
    """
    try:
        about = parse(path, read_file(path))
    except BundleError as error:
        raise DataError(str(error)) from error
    try:
        if about["format"] != 1:
            raise ValueError(f"format {shown(about['format'])}")
        labels = to_labels({"name": "there", **about["labels"]})
        renames = about["translation"]["renames"]
        return Elsewhere(
            path=path,
            bundle_digest=check_name(about["bundle_digest"]),
            faceset_digest=check_name(about["faceset_digest"]),
            split=check_name(about["split"]),
            # An empty name leaves an emotion out.
            renames={check_name(old): new and check_name(new) for old, new in renames.items()},
            runtime=check_name(about["runtime"]),
            cpu=shown(about["machine"]["cpu"]),
            scores={role: Score(labels, _confusion(about, role, labels)) for role in ROLES},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else shown(error)
        raise DataError(
            f"{path} is no comparison: {found}. Write one with edgefer compare -o NAME.json."
        ) from error


def differences(there: Elsewhere, here: Comparison) -> dict[str, Any]:
    """Accuracy of each model on two machines, overall and per emotion, as shares of 1.

    Returns
    -------
    dict
        ``float`` and ``int8``, each with ``faces``, ``there``, ``here``, ``difference`` (here less
        there: below 0, this machine is worse), ``emotions`` with the same, and
        ``answered_otherwise``: how many faces at least got another answer, as far as sums tell.

    Raises
    ------
    DataError
        If the two did not judge the same faces, or count in other emotions.
    """
    names = here.labels.names
    found: dict[str, Any] = {}
    for role, score in zip(ROLES, (here.before, here.after), strict=True):
        other = there.scores[role]
        if other.labels.names != names:
            raise DataError(
                f"{there.path} counts in other emotions: {', '.join(other.labels.names)} there, "
                f"{', '.join(names)} here."
            )
        counts = other.confusion.sum(axis=1), score.confusion.sum(axis=1)
        if (counts[0] != counts[1]).any():
            raise DataError(
                f"{there.path} judged other faces: {', '.join(map(str, counts[0]))} of "
                f"{', '.join(names)} there, {', '.join(map(str, counts[1]))} here."
            )
        recalls = zip(names, counts[1].tolist(), other.recall, score.recall, strict=True)
        found[role] = _row(int(counts[1].sum()), other.accuracy, score.accuracy) | {
            "emotions": {
                name: _row(faces, float(was), float(is_now))
                for name, faces, was, is_now in recalls
                if faces
            },
            # A face that moves leaves one cell of its row and enters another.
            "answered_otherwise": int(np.abs(other.confusion - score.confusion).sum()) // 2,
        }
    return found


def _row(faces: int, there: float, here: float) -> dict[str, Any]:
    return {"faces": faces, "there": there, "here": here, "difference": here - there}


def difference_rows(comparison: Comparison) -> list[list[str]]:
    """What reports tell under `COLUMNS`, overall last; none if there is no other machine."""
    if "against" not in comparison.about:
        return []
    models = comparison.about["against"]["models"]
    rows = []
    for drop in comparison.drops:
        cells = _cells(*(models[role]["emotions"][drop.emotion] for role in ROLES))
        rows.append([words.named(drop.emotion, drop.korean), *cells])
    return [*rows, ["overall 전체", *_cells(*(models[role] for role in ROLES))]]


def difference_words(comparison: Comparison) -> list[str]:
    """What goes with the rows: which machine, and how the numbers are to be read."""
    about = comparison.about["against"]
    counts = (f"{about['models'][role]['answered_otherwise']:,} by {role}" for role in ROLES)
    return [
        f"{shown(about['file'])}: {about['runtime']}, {about['cpu']}",
        "points: here less there; below 0, this machine is worse.",
        f"Faces answered otherwise here, at least: {' and '.join(counts)}.",
    ]


def _table(comparison: Comparison) -> str:
    """Differences for a terminal of 80 columns."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for i, column in enumerate(COLUMNS):
        table.add_column(column, justify="right" if i else "left", no_wrap=True)
    *rows, overall = difference_rows(comparison)
    for name, *cells in rows:
        table.add_row(Text(name), *cells)
    table.add_section()
    table.add_row(*overall)
    where, *notes = difference_words(comparison)
    out = io.StringIO()
    console = Console(file=out, width=100, no_color=True, highlight=False)
    console.print(table)
    # Written past the console: it would fold long names of processors.
    return "\n".join(
        [
            "",
            f"against {where}",
            "",
            *(line.rstrip() for line in out.getvalue().splitlines()),
            "",
            *notes,
            "",
        ]
    )


def _cells(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    cells = [f"{before['faces']:,}"]
    for row in (before, after):
        shares = [words.percent(row["there"]), words.percent(row["here"])]
        cells += [*shares, words.points(row["difference"])]
    return cells


def _confusion(about: Mapping[str, Any], role: str, labels: Labels) -> np.ndarray:
    """How often each emotion was taken for each other, int64 (K, K)."""
    table = about["confusion"][role]
    cells = [cell for row in table for cell in row]
    # True is an int, and no count; more than 10^12 faces would overflow in sums.
    if any(type(cell) is not int or not 0 <= cell <= 10**12 for cell in cells):
        raise ValueError(f"the confusion of {role} holds what is no count")
    if [len(row) for row in table] != [len(labels)] * len(labels) or not any(cells):
        raise ValueError(f"the confusion of {role} does not fit {len(labels)} emotions")
    return np.array(table, np.int64)


def _typed(renames: Mapping[str, str]) -> str:
    return ",".join(sorted(f"{old}={new}" for old, new in renames.items())) or "none"


def _short(text: str) -> str:
    """A digest by its beginning, as it is told everywhere; other text whole."""
    digest = len(text) == 64 and all(sign in "0123456789abcdef" for sign in text)
    return text[:12] if digest else text
