"""Find people who stand in several splits, and faces that another face set holds too."""

from edgefer.faceset import FaceSet

from .duplicates import protection
from .findings import DROP, KEEP, LOOK, Finding, named
from .near import find_near_others


def find_people_across(faces: FaceSet) -> list[Finding]:
    """Faces of people who stand in more than one split: those of the split that judges stay."""
    splits: dict[str, set[str]] = {}
    for person, split in zip(faces.persons, faces.splits, strict=True):
        if person:
            splits.setdefault(person, set()).add(split)
    torn = {person: own for person, own in splits.items() if len(own) > 1}
    stays: dict[str, int] = {}
    for face, person in enumerate(faces.persons):
        if person in torn:
            best = min(stays.get(person, face), face, key=lambda one: protection(faces, one))
            stays[person] = best
    found = []
    for face, (person, split) in enumerate(zip(faces.persons, faces.splits, strict=True)):
        if person in torn:
            where = ", ".join(sorted(name or "no split" for name in torn[person]))
            own = KEEP if split == faces.splits[stays[person]] else LOOK
            reason = f"this person stands in {where}: edgefer data split --by person"
            found.append(Finding("person", face, 0.5, own, reason, f"person-{person}"))
    return found


def find_others(faces: FaceSet, others: FaceSet) -> list[Finding]:
    """Faces of which another set holds the same picture, nearly the same, or the same person.

    Parameters
    ----------
    faces : FaceSet
        The set that is cleaned: what both hold should go from it.
    others : FaceSet
        The set that must stay unseen, such as the one that judges.
    """
    places = {digest: place for place, digest in enumerate(others.hashes)}
    title = others.folder.name
    found, seen = [], set()
    for face, digest in enumerate(faces.hashes):
        if digest in places:
            seen.add(face)
            there = places[digest]
            reason = f"the same picture as {named(others, there)} of {title}"
            group = f"{title}-{digest.hex()[:12]}"
            found.append(Finding("leak", face, 1.0, DROP, reason, group, there))
    for face, there, score in find_near_others(faces, others):
        if face not in seen:
            reason = f"nearly the same as {named(others, there)} of {title}"
            group = f"{title}-{others.hashes[there].hex()[:12]}"
            found.append(Finding("near-leak", face, score, LOOK, reason, group, there))
    people = {person: place for place, person in enumerate(others.persons) if person}
    for face, person in enumerate(faces.persons):
        if person in people:
            reason = f"{title} has this person too"
            group = f"{title}-person-{person}"
            found.append(Finding("person", face, 1.0, DROP, reason, group, people[person]))
    return found
