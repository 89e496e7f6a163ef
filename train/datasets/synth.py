"""Draw a face set: people who show each emotion, and the action units they used."""

import csv

import numpy as np
from rich.progress import track

from edgefer.errors import DataError
from edgefer.faceset import patch_hash
from edgefer.facewriter import FaceSetWriter
from edgefer.progress import console
from edgefer.synth import (
    OPENFACE_COLUMNS,
    Population,
    action_units,
    draw_person,
    face_patch,
    openface_row,
)

LICENCE = "drawn by edgefer: no rights reserved"


def import_synth(
    population: Population, out: FaceSetWriter, *, people: int = 100, takes: int = 5, seed: int = 0
) -> None:
    """Draw people, each showing every emotion several times, in splits disjoint by people.

    Beside the faces it writes ``action_units.csv`` as OpenFace would: a row a face, in the order of
    ``faces.csv``, after the columns ``id``, which names the face, and ``picture``, its hash.

    Parameters
    ----------
    population : Population
        Whose faces; its labels must be those of ``out``.
    out : FaceSetWriter
        Where the faces go; of every ten people one goes to ``val`` and one to ``test``.
    people : int
        How many; at least 10, so that each split has somebody.
    takes : int
        Faces of each person and emotion.
    seed : int
        The same seed draws the same faces; another one draws other people.

    Raises
    ------
    DataError
        If there are too few people, or nothing to draw.
    """
    if people < 10 or takes < 1:
        raise DataError(
            f"{people} people with {takes} faces of each emotion are too few for three splits. "
            "Type --people 10 or more, --takes 1 or more."
        )
    with (out.folder / "action_units.csv").open("w", encoding="utf-8", newline="") as file:
        units = csv.DictWriter(file, ("id", "picture", *OPENFACE_COLUMNS), lineterminator="\n")
        units.writeheader()
        for number in track(range(people), "drawing people", console=console(), transient=True):
            rng = np.random.default_rng([seed, number, *population.name.encode()])
            person = draw_person(rng, population)
            split = {8: "val", 9: "test"}.get(number % 10, "train")
            for emotion in population.labels.names * takes:
                used = action_units(rng, population, emotion)
                patch = face_patch(rng, population, person, used, out.size)
                who = f"{population.name}{seed}-{number:05d}"
                origin = f"synth:{who}"
                name = out.add(patch, emotion, split=split, person=who, origin=origin)
                picture = patch_hash(patch).hex()
                units.writerow({"id": name, "picture": picture, **openface_row(used)})
