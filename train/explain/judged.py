"""Which faces a network is asked about."""

from collections.abc import Mapping
from typing import Any

from edgefer.bundle import Bundle
from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.labels import translate
from edgefer.progress import say


def judged_faces(
    bundle: Bundle, faces: FaceSet, *, split: str = "", renames: Mapping[str, str] | None = None
) -> tuple[FaceSet, dict[str, Any]]:
    """Faces of a split under a bundle's labels, and what is to be said of the choice.

    Parameters
    ----------
    bundle : Bundle
        Its labels.
    faces : FaceSet
    split : str
        A split's name, ``all``, or nothing: all that are not for training, as far as there are any.
    renames : mapping of str to str, optional
        Emotions that go under another name in the bundle.

    Raises
    ------
    DataError
        If the split is not there, or the bundle knows none of the emotions.
    """
    if split in ("", "all"):
        others = faces.splits != "train"
        part = not split and others.any() and not others.all()
        chosen, split = (faces.select(others), "all but train") if part else (faces, "all")
    else:
        chosen = faces.split(split)
    meaning = translate(faces.labels, bundle.labels, renames)
    absent = [name for i, name in enumerate(faces.labels.names) if i not in meaning]
    known = chosen.relabel(bundle.labels, meaning)
    if not len(known):
        raise DataError(
            f"{faces.folder} has {', '.join(faces.labels.names)}; {bundle.folder} knows none of "
            f"them, but {', '.join(bundle.labels.names)}. Say what is what with --map OLD=NEW."
        )
    if absent:
        say(f"left out, as {bundle.name} does not know it: {', '.join(absent)}")
    return known, {"split": split, "emotions_left_out": absent}
