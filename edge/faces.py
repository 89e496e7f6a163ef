"""Read the faces of a picture that were found."""

from collections.abc import Sequence

import numpy as np

from edgefer.preprocess import to_patch
from edgefer.reference import rescale

from .drift import Drift
from .quality import Gate
from .reading import Frame, Reading
from .shadow import Agreement, Model, Shadow
from .steady import UNSURE
from .track import Followed


class Reader:
    """Faces in, readings out: all faces of a picture in one batch.

    A face that the gate refuses is not given to the model. It is told all the same, for sinks that
    cover faces: as ``unsure``, with confidence 0 and every emotion equally probable.
    """

    def __init__(
        self,
        model: Model,
        *,
        gate: Gate | None = None,
        temperature: float | None = None,
        drift: Drift | None = None,
    ) -> None:
        """Read with a model.

        Parameters
        ----------
        model : Model
        gate : callable, optional
            Which faces are good enough to be read.
        temperature : float, optional
            What its probabilities are rescaled by; left out, they are told as they are.
        drift : Drift, optional
            What is shown every face.
        """
        self._model, self._gate = model, gate
        self._temperature, self._drift = temperature, drift

    def __call__(self, frame: Frame, faces: Sequence[Followed]) -> list[Reading]:
        """Readings of these faces of a frame."""
        if not faces:
            return []
        boxes = [box for _, box in faces]
        patches = np.stack([to_patch(frame.image, box, self._model.size) for box in boxes])
        names = self._model.labels.names
        fit = np.full(len(faces), True) if self._gate is None else self._gate(patches, boxes)
        shares = np.full((len(faces), len(names)), 1 / len(names))
        if fit.any():
            shares[fit] = self._model(patches[fit])
        if self._drift is not None:
            self._drift.see(frame.seconds, patches, boxes, shares[fit].max(axis=1))
        if self._temperature is not None:
            shares[fit] = rescale(shares[fit], self._temperature)
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

    @property
    def agreement(self) -> Agreement | None:
        """How often float and int8 agreed so far, where both run."""
        return self._model.agreement if isinstance(self._model, Shadow) else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is unlike the calibration faces, as sentences."""
        return () if self._drift is None else self._drift.warnings
