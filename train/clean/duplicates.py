"""Find pictures that stand in a face set more than once, pixel by pixel."""

from collections.abc import Sequence

from edgefer.faceset import FaceSet

from .findings import DROP, KEEP, Finding, named

# Of two copies the one that judges stays: scores on val and test keep their meaning.
_PROTECTED = {"test": 0, "val": 1, "train": 3}


def protection(faces: FaceSet, face: int) -> tuple[int, int]:
    """Place in the order in which copies are kept: test, val, any other split, train."""
    return _PROTECTED.get(faces.splits[face], 2), face


def copies_of(faces: FaceSet) -> dict[bytes, list[int]]:
    """Positions of each picture that stands in a set, equal ones together."""
    copies: dict[bytes, list[int]] = {}
    for face, digest in enumerate(faces.hashes):
        copies.setdefault(digest, []).append(face)
    return copies


def find_duplicates(faces: FaceSet) -> list[Finding]:
    """Equal pictures.

    Parameters
    ----------
    faces : FaceSet

    Returns
    -------
    list of Finding
        One for every face of a group of equal pictures. Under several labels (``conflict``) all
        should go: none can be trusted. In several splits (``leak``) or in one (``duplicate``) one
        copy stays, that of the split that judges.
    """
    return [
        finding
        for digest, own in copies_of(faces).items()
        if len(own) > 1
        for finding in _judge(faces, own, f"same-{digest.hex()[:12]}")
    ]


def _judge(faces: FaceSet, own: Sequence[int], group: str) -> list[Finding]:
    """Findings for one group of equal pictures."""
    targets = sorted({int(faces.targets[face]) for face in own})
    if len(targets) > 1:
        names = ", ".join(faces.labels.names[target] for target in targets)
        reason = f"the same picture is called {names}"
        return [Finding("conflict", face, 1.0, DROP, reason, group) for face in own]
    kind = "leak" if len({faces.splits[face] for face in own}) > 1 else "duplicate"
    first, *rest = sorted(own, key=lambda face: protection(faces, face))
    copies = f"also {named(faces, rest[0])}" + f" and {len(rest) - 1} more" * (len(rest) > 1)
    return [
        Finding(kind, first, 1.0, KEEP, copies, group),
        *(
            Finding(kind, face, 1.0, DROP, f"the same picture as {named(faces, first)}", group)
            for face in rest
        ),
    ]
