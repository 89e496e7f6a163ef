"""The findings as one HTML file in which a person decides by keys what goes."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import jinja2
import numpy as np
from markupsafe import Markup

from edgefer.faceset import FaceSet

from .findings import KEY, KINDS, Finding, suggested_drops

LARGEST = 96  # pixels of a face on the page
COLUMNS, SHEET = 32, 1024  # faces in a row of a sheet, and in a sheet


def to_html(
    faces: FaceSet,
    findings: Sequence[Finding],
    *,
    against: FaceSet | None = None,
    most: int = 500,
) -> str:
    """A page that stands alone: nothing is loaded, and whatever came from a file stays text.

    Parameters
    ----------
    faces : FaceSet
    findings : sequence of Finding
        Ranked.
    against : FaceSet, optional
        The set that they were compared with: its faces are shown beside.
    most : int
        Faces of each kind to show, whole groups; the page says what it leaves out.
    """
    shown, counts = _most_urgent(findings, most)
    order = {face: i for i, face in enumerate(dict.fromkeys(item.face for item in shown))}
    theirs = {face: i for i, face in enumerate(dict.fromkeys(x.other for x in shown)) if face >= 0}
    # Faces of the other set stand behind the own ones on the sheets.
    places = {face: len(order) + i for i, face in enumerate(theirs)}
    drops = suggested_drops(findings)
    sheets = list(_sheets(_small(faces, list(order)), _small(against, list(places))))
    data = {
        "all": len(faces),
        "key": faces.digest[:KEY],
        "state": _state(findings),
        "labels": [
            list(pair) for pair in zip(faces.labels.names, faces.labels.korean, strict=True)
        ],
        "kinds": [[kind, *KINDS[kind], *counts[kind]] for kind in KINDS if kind in counts],
        "faces": [_about(faces, face) for face in order]
        + [_about(against, face) for face in places],
        "own": len(order),
        "findings": [
            [
                item.kind,
                order[item.face],
                round(item.score, 3),
                item.suggestion,
                item.reason,
                item.group,
                places.get(item.other, -1),
            ]
            for item in shown
        ],
        "drops": [[order[face], reason] for face, reason in drops.items() if face in order],
        # What should go and is not on the page still belongs to the list that it saves.
        "rest": [[faces.ids[face], why] for face, why in drops.items() if face not in order],
    }
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("edgefer.train.clean", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = environment.get_template("review.js.j2").render()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("review.html.j2").render(
        faces=faces,
        # Safe: the page's own script, by whose hash alone scripts may run.
        script=Markup(script),
        script_hash=digest,
        # Safe: no "<" can end the element that holds it.
        data=Markup(json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")),
        sheets=sheets,
        columns=COLUMNS,
    )


def _most_urgent(
    findings: Sequence[Finding], most: int
) -> tuple[list[Finding], dict[str, tuple[int, int]]]:
    """First groups of each kind, and per kind how many faces are shown and how many there are."""
    shown: list[Finding] = []
    counts: dict[str, tuple[int, int]] = {}
    last: dict[str, str] = {}
    for item in findings:
        here, all_of_it = counts.get(item.kind, (0, 0))
        group = item.group or str(item.face)
        if here < most or last.get(item.kind) == group:
            shown.append(item)
            last[item.kind] = group
            here += 1
        counts[item.kind] = (here, all_of_it + 1)
    return shown, counts


def _about(faces: FaceSet | None, face: int) -> list[Any]:
    """Id, class id, split, person, origin and votes of a face; of another set its folder too."""
    assert faces is not None
    text = (faces.ids[face], int(faces.targets[face]), faces.splits[face], faces.persons[face])
    votes = faces.votes[face].tolist() if faces.votes[face].any() else []
    return [*text, faces.origins[face], votes, faces.folder.name, faces.labels.names[text[1]]]


def _small(faces: FaceSet | None, positions: Sequence[int]) -> Iterator[np.ndarray]:
    """Patches as the page shows them."""
    for start in range(0, len(positions), 256):
        assert faces is not None
        yield from faces.take(np.array(positions[start : start + 256]))


def _sheets(*streams: Iterator[np.ndarray]) -> Iterator[dict[str, Any]]:
    """Sheets of up to 1,024 faces as PNG in a data address, with their rows."""
    patches = [patch for stream in streams for patch in stream]
    side = min(LARGEST, max((patch.shape[0] for patch in patches), default=LARGEST))
    for start in range(0, len(patches), SHEET):
        part = patches[start : start + SHEET]
        rows = -(-len(part) // COLUMNS)
        sheet = np.zeros((rows * side, COLUMNS * side), np.uint8)
        for i, patch in enumerate(part):
            y, x = side * (i // COLUMNS), side * (i % COLUMNS)
            small = patch
            if patch.shape[0] != side:
                small = cv2.resize(patch, (side, side), interpolation=cv2.INTER_AREA)
            sheet[y : y + side, x : x + side] = small
        png = base64.b64encode(cv2.imencode(".png", sheet)[1].tobytes()).decode()
        yield {"url": Markup(f"data:image/png;base64,{png}"), "rows": rows}


def _state(findings: Sequence[Finding]) -> str:
    """Names these findings: choices made on other findings are not taken for choices on these."""
    text = "\n".join(f"{x.kind} {x.face} {x.suggestion} {x.group}" for x in findings)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
