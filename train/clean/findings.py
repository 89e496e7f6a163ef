"""What a search found: one finding a face and kind, ranked, and written for people and programs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgefer.faceset import FaceSet
from edgefer.facewriter import csv_writer

# Most urgent first; what each means, in English and Korean.
KINDS = {
    "blank": ("one tone, no picture", "빈 사진"),
    "conflict": ("one picture under several labels", "같은 사진, 다른 감정"),
    "leak": ("one picture in several splits, or in the other set", "분할 사이 같은 사진"),
    "duplicate": ("one picture several times", "중복 사진"),
    "near-conflict": ("nearly one picture under several labels", "거의 같은 사진, 다른 감정"),
    "near-leak": ("nearly one picture in several splits", "분할 사이 거의 같은 사진"),
    "near": ("nearly one picture several times", "거의 같은 사진"),
    "person": ("one person in several splits, or in the other set", "분할 사이 같은 사람"),
    "suspect": ("the label may be wrong", "감정 표시 의심"),
    "faceless": ("the detector sees no face", "얼굴 없음"),
    "drawing": ("hard edges: a drawing, letters, an overlay", "그림이나 글자"),
    "dark": ("too dark", "너무 어두움"),
    "bright": ("too bright", "너무 밝음"),
    "blurred": ("hardly any fine detail", "흐림"),
}
DROP, KEEP, LOOK = "drop", "keep", "look"
COLUMNS = ("id", "kind", "score", "group", "suggestion", "reason", "label", "split")
DROPS = ("id", "reason", "faceset")
KEY = 16  # letters of the face set's digest that a list of drops carries


@dataclass(frozen=True)
class Finding:
    """Something about one face.

    Attributes
    ----------
    kind : str
        A key of `KINDS`.
    face : int
        Its position in the face set.
    score : float
        0 to 1; the higher the surer.
    suggestion : str
        ``drop``; ``keep``, for the one of a group that should stay; or ``look``.
    reason : str
        In words.
    group : str
        Findings of one group belong together; empty for a face alone.
    other : int
        Position of its like in the set that was compared with, or -1.
    """

    kind: str
    face: int
    score: float
    suggestion: str
    reason: str
    group: str = ""
    other: int = -1


def rank(found: Iterable[Finding]) -> list[Finding]:
    """Most urgent kind first, surest group first, groups together and what stays at their head."""
    findings = list(found)
    order = {kind: i for i, kind in enumerate(KINDS)}
    best: dict[tuple[str, str], float] = {}
    for finding in findings:
        key = (finding.kind, finding.group or str(finding.face))
        best[key] = max(best.get(key, 0.0), finding.score)

    def place(finding: Finding) -> tuple[Any, ...]:
        group = finding.group or str(finding.face)
        return (
            order[finding.kind],
            -best[finding.kind, group],
            group,
            finding.suggestion != KEEP,
            -finding.score,
            finding.face,
        )

    return sorted(findings, key=place)


def suggested_drops(findings: Sequence[Finding]) -> dict[int, str]:
    """Reason for each face that should go, by its position; the first reason counts."""
    drops: dict[int, str] = {}
    for finding in findings:
        if finding.suggestion == DROP:
            drops.setdefault(finding.face, finding.reason)
    return drops


def settle(findings: Sequence[Finding]) -> list[Finding]:
    """Findings in which no group keeps a face that goes for another reason."""
    drops = suggested_drops(findings)
    return [
        replace(finding, suggestion=LOOK)
        if finding.suggestion == KEEP and finding.face in drops
        else finding
        for finding in findings
    ]


def summary(faces: FaceSet, findings: Sequence[Finding]) -> dict[str, Any]:
    """Per kind the faces, groups and suggested drops; ready for JSON."""
    kinds: dict[str, dict[str, int]] = {}
    for kind in KINDS:
        own = [finding for finding in findings if finding.kind == kind]
        if own:
            kinds[kind] = {
                "faces": len({finding.face for finding in own}),
                "groups": len({finding.group or finding.face for finding in own}),
                "drop": len({finding.face for finding in own if finding.suggestion == DROP}),
            }
    return {
        "faceset": faces.folder.name,
        "digest": faces.digest,
        "faces": len(faces),
        "kinds": kinds,
        "drop": len(suggested_drops(findings)),
        "drop_per_split": dict(
            Counter(str(faces.splits[face]) for face in suggested_drops(findings))
        ),
    }


def write_findings(faces: FaceSet, findings: Sequence[Finding], folder: Path) -> None:
    """Write ``findings.csv``, all of them, and ``drops.csv``, the faces that should go."""
    with (folder / "findings.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv_writer(file)
        writer.writerow(COLUMNS)
        for finding in findings:
            name, split = faces.ids[finding.face], faces.splits[finding.face]
            label = faces.labels.names[faces.targets[finding.face]]
            own = (finding.group, finding.suggestion, finding.reason)
            writer.writerow((name, finding.kind, f"{finding.score:.4f}", *own, label, split))
    with (folder / "drops.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv_writer(file)
        writer.writerow(DROPS)
        for face, reason in suggested_drops(findings).items():
            writer.writerow((faces.ids[face], reason, faces.digest[:KEY]))


def named(faces: FaceSet, face: int) -> str:
    """``happy_000012 in train``: a face as reasons speak of it."""
    split = faces.splits[face]
    return f"{faces.ids[face]} in {split}" if split else str(faces.ids[face])
