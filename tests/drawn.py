"""Drawn faces, and face sets of them, for the tests of cleaning."""

import cv2
import numpy as np

from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7
from edgefer.synth import POPULATIONS, action_units, draw_person, face_patch


def drawn(count=1, seed=0, size=48, people=None):
    """So many drawn faces, each of a person of its own or of one of so many people."""
    rng, population = np.random.default_rng(seed), POPULATIONS["base"]
    crowd = [draw_person(rng, population) for _ in range(people or count)]
    names = population.labels.names
    return [
        face_patch(
            rng,
            population,
            crowd[i % len(crowd)],
            action_units(rng, population, names[i % 7]),
            size,
        )
        for i in range(count)
    ]


def make(out, *rows, labels=FER7):
    """A face set of (patch, emotion, split, person) rows; what is left out is empty."""
    size = rows[0][0].shape[0]
    with write_faceset(out, labels, size, source="drawn", force=True) as writer:
        for patch, *texts in rows:
            emotion, split, person = (*texts, "", "", "")[:3]
            origin = f"{len(writer)}.png"
            writer.add(patch, emotion or "happy", split=split, person=person, origin=origin)
        writer.drop("before.png", "no face")
    return FaceSet.load(out)


def jpeg(patch, quality):
    return cv2.imdecode(cv2.imencode(".jpg", patch, [1, quality])[1], cv2.IMREAD_GRAYSCALE)
