"""Read the faces of a picture that were found."""

from collections.abc import Sequence

import numpy as np

from edgefer.preprocess import to_patch

from .quality import Gate
from .reading import Reading
from .shadow import Model
from .steady import UNSURE
from .track import Followed


def read_faces(
    classifier: Model,
    image: np.ndarray,
    faces: Sequence[Followed],
    gate: Gate | None = None,
) -> list[Reading]:
    """Readings of these faces of a picture, all in one batch.

    A face that the gate refuses is not given to the model. It is told all the same, for sinks that
    cover faces: as ``unsure``, with confidence 0 and every emotion equally probable.
    """
    if not faces:
        return []
    patches = np.stack([to_patch(image, box, classifier.size) for _, box in faces])
    names = classifier.labels.names
    fit = np.full(len(faces), True)
    if gate is not None:
        fit = gate(patches, [box for _, box in faces])
    shares = np.full((len(faces), len(names)), 1 / len(names))
    if fit.any():
        shares[fit] = classifier(patches[fit])
    return [
        Reading(
            face,
            box,
            names[int(row.argmax())] if good else UNSURE,
            float(row.max()) if good else 0.0,
            dict(zip(names, row.tolist(), strict=True)),
        )
        for (face, box), row, good in zip(faces, shares, fit, strict=True)
    ]
