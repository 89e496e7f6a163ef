"""Read the faces of a picture that were found."""

from collections.abc import Sequence

import numpy as np

from edgefer.bundle import Bundle
from edgefer.preprocess import to_patch
from edgefer.reference import Reference, rescale

from .drift import Drift
from .quality import Gate, flaws
from .reading import Frame, Reading
from .shadow import Agreement, Model, Shadow
from .steady import UNSURE
from .track import Followed
from .words import Words


class Reader:
    """Faces in, readings out: all faces of a picture in one batch.

    A face that the gate refuses is not given to the model. It is told all the same, for sinks that
    cover faces: as ``unsure``, with confidence 0 and every emotion equally probable.

    Attributes
    ----------
    gate : callable or None
        Tells which faces are not good enough to be read; it may be changed at any time.
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
            As `edgefer.edge.quality.flaws`.
        temperature : float, optional
            What its probabilities are rescaled by; left out, they are told as they are.
        drift : Drift, optional
            What is shown every face.
        """
        self._model, self.gate = model, gate
        self._temperature, self._drift = temperature, drift

    @classmethod
    def of(
        cls, bundle: Bundle, model: Model, role: str = "int8", *, gate: Gate | None = flaws
    ) -> "Reader":
        """A reader with all that a bundle knows of its model of this role."""
        reference = Reference.load(bundle)
        if reference is None:
            return cls(model, gate=gate)
        drift = Drift(reference, role, bundle.size)
        return cls(model, gate=gate, temperature=reference.temperature(role), drift=drift)

    def __call__(self, frame: Frame, faces: Sequence[Followed]) -> list[Reading]:
        """Readings of these faces of a frame."""
        if not faces:
            return []
        boxes = [box for _, box in faces]
        patches = np.stack([to_patch(frame.image, box, self._model.size) for box in boxes])
        names = self._model.labels.names
        flawed = np.full(len(faces), "") if self.gate is None else self.gate(patches, boxes)
        fit = flawed == ""
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
                UNSURE if flaw else names[int(row.argmax())],
                0.0 if flaw else float(row.max()),
                dict(zip(names, row.tolist(), strict=True)),
                str(flaw),
            )
            for (face, box), row, flaw in zip(faces, shares, flawed, strict=True)
        ]

    @property
    def calibrated(self) -> bool:
        """Whether confidence means what it says."""
        return self._temperature is not None

    @property
    def notices_drift(self) -> bool:
        """Whether faces are compared with those of the calibration."""
        return self._drift is not None

    @property
    def agreement(self) -> Agreement | None:
        """How often float and int8 agreed so far, where both run."""
        return self._model.agreement if isinstance(self._model, Shadow) else None

    @property
    def warnings(self) -> tuple[Words, ...]:
        """What is unlike the calibration faces."""
        return () if self._drift is None else self._drift.warnings
