"""Search a face set for everything that may be wrong with it, and write what was found."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgefer.bundle import Bundle
from edgefer.faceset import FaceSet
from edgefer.folders import new_folder, refuse

from ..show import summarize
from .duplicates import find_duplicates
from .findings import KINDS, Finding, rank, settle, summary, write_findings
from .leaks import find_others, find_people_across
from .near import find_near
from .quality import find_faceless, find_poor
from .review import to_html

MARKER = "findings.csv"


def clean(
    faces: FaceSet,
    out: Path,
    *,
    against: FaceSet | None = None,
    bundle: Bundle | None = None,
    folds: int = 0,
    detect: bool = False,
    most: int = 500,
    force: bool = False,
) -> dict[str, Any]:
    """Write ``findings.csv``, ``findings.json``, ``drops.csv`` and ``review.html``.

    Parameters
    ----------
    faces : FaceSet
        Stays as it is.
    out : Path
        The new folder.
    against : FaceSet, optional
        A set whose pictures and people should not be in this one.
    bundle : Bundle, optional
        What judges the labels: by its own answers, or, with folds, by its features.
    folds : int
        Judge the labels by answers out of fold; 0: by the bundle's own, if there is one.
    detect : bool
        Also list faces that the detector does not see.
    most : int
        Faces of each kind that the page shows.
    force : bool
        Replace findings that are there.

    Returns
    -------
    dict
        What ``findings.json`` holds.
    """
    # Refuse now, not after minutes of work.
    refuse(out.absolute(), MARKER, force=force)
    findings = search(faces, against=against, bundle=bundle, folds=folds, detect=detect)
    about = summary(faces, findings)
    about["leaked"] = summarize(faces).leaked
    if against is not None:
        about["against"] = {"faceset": against.folder.name, "digest": against.digest}
    with new_folder(out, MARKER, force=force) as folder:
        write_findings(faces, findings, folder)
        text = json.dumps(about, ensure_ascii=False, indent=2) + "\n"
        (folder / "findings.json").write_text(text, encoding="utf-8")
        page = to_html(faces, findings, against=against, most=most)
        (folder / "review.html").write_text(page, encoding="utf-8")
    return about


def search(
    faces: FaceSet,
    *,
    against: FaceSet | None = None,
    bundle: Bundle | None = None,
    folds: int = 0,
    detect: bool = False,
) -> list[Finding]:
    """Everything found, ranked."""
    found = find_poor(faces) + find_duplicates(faces) + find_near(faces)
    found += find_people_across(faces)
    if against is not None:
        found += find_others(faces, against)
    if detect:
        found += find_faceless(faces)
    if bundle is not None or folds:
        # TensorFlow takes seconds to import.
        from .suspects import bundle_answers, find_suspects, fold_answers

        judge = Bundle.load() if bundle is None else bundle
        answers = fold_answers(judge, faces, folds) if folds else bundle_answers(judge, faces)
        found += find_suspects(faces, answers)
    return settle(rank(found))


def to_text(about: dict[str, Any]) -> str:
    """What was found, for people to read."""
    rows: list[Sequence[object]] = [("kind", "faces", "groups", "to drop", "")]
    rows += [
        (kind, counts["faces"], counts["groups"], counts["drop"], KINDS[kind][0])
        for kind, counts in about["kinds"].items()
    ]
    lines = [
        f"{kind:14}{faces:>8}{groups:>8}{drop:>9}  {text}".rstrip()
        for kind, faces, groups, drop, text in rows
    ]
    if not about["kinds"]:
        lines = ["nothing was found"]
    lines += [
        f"{count} faces of {split or 'no split'} also stand in train"
        for split, count in about["leaked"].items()
        if count
    ]
    each = ", ".join(
        f"{n} of {split or 'no split'}" for split, n in about["drop_per_split"].items()
    )
    lines.append(f"{about['drop']} of {about['faces']} faces should go{each and f': {each}'}")
    return "\n".join(lines)
