"""Write a face set without the faces of a list."""

import csv
from pathlib import Path

import numpy as np

from edgefer.errors import DataError, why
from edgefer.faceset import FaceSet, copy_faceset

from ..show import read_dropped
from .findings import DROPS, KEY


def apply_drops(faces: FaceSet, path: Path, out: Path, *, force: bool = False) -> FaceSet:
    """Write the faces that a list does not name; the others go to ``dropped.csv``.

    Parameters
    ----------
    faces : FaceSet
        The set that was searched; it stays as it is. The faces of the new one are numbered anew.
    path : Path
        ``drops.csv``, as the search or its page wrote it.
    out : Path
        The new face set.
    force : bool
        Replace a face set that is there.

    Raises
    ------
    DataError
        If the list cannot be read, was made for another face set, names a face that is not there,
        or leaves none.
    """
    drops = read_drops(path, faces)
    places = {name: place for place, name in enumerate(faces.ids)}
    unknown = [name for name in drops if name not in places]
    if unknown:
        raise DataError(
            f"{path} names {unknown[0]!r}, which {faces.folder} does not hold"
            f"{f', and {len(unknown) - 1} more' * (len(unknown) > 1)}. "
            f"Search it again: edgefer data clean {faces.folder} -o FINDINGS."
        )
    keep = np.ones(len(faces), bool)
    keep[[places[name] for name in drops]] = False
    if not keep.any():
        raise DataError(f"{path} drops every face of {faces.folder}.")
    gone = [(faces.origins[places[name]] or name, reason) for name, reason in drops.items()]
    dropped = read_dropped(faces.folder) + gone
    return copy_faceset(faces.select(keep), out, dropped=dropped, force=force)


def read_drops(path: Path, faces: FaceSet) -> dict[str, str]:
    """Reason by id of each face on a list, after a look at which face set it is for."""
    again = f"Make one: edgefer data clean {faces.folder} -o FINDINGS."
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            rows = [row for row in reader if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {why(error)}. {again}") from error
    if header != list(DROPS) or any(len(row) != len(DROPS) for row in rows):
        raise DataError(f"{path} must have the columns {','.join(DROPS)}. {again}")
    for _, _, key in rows:
        if key != faces.digest[:KEY]:
            raise DataError(
                f"{path} was made for face set {key[:KEY]!r}, {faces.folder} is "
                f"{faces.digest[:KEY]!r}. {again}"
            )
    return {name: reason for name, reason, _ in rows}
