"""Make one network of several: their probabilities, averaged."""

from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from edgefer.bundle import Bundle, Step, versions, write_bundle
from edgefer.errors import BundleError, DataError
from edgefer.faceset import FaceSet
from edgefer.folders import refuse
from edgefer.keras import keras, load_model
from edgefer.progress import say
from edgefer.report import Score
from edgefer.seen import ROLE, Seen

from .base import PACKAGES
from .card import write_card
from .fit import chances


def make_ensemble(
    bundles: Sequence[Bundle],
    faces: FaceSet,
    out: Path,
    *,
    weighted: bool = False,
    force: bool = False,
) -> Bundle:
    """Write a bundle whose network averages those of others, and score it beside each of them.

    Parameters
    ----------
    bundles : sequence of Bundle
        Two or more, with the same labels and size of patches.
    faces : FaceSet
        Scored on every split; with ``weighted`` its split ``val`` sets the weights.
    out : Path
        The new bundle.
    weighted : bool
        Weigh each network so that the mean log-likelihood on ``val`` is highest; else all count
        alike. Weights that were fitted to ``val`` make its score optimistic.
    force : bool
        Replace a bundle that is there.

    Raises
    ------
    BundleError
        If there are fewer than two, or they do not speak of the same.
    DataError
        If the face set does not fit them.
    """
    refuse(out.absolute(), "bundle.json", force=force)
    require_alike(bundles, faces)
    if len(bundles) < 2:
        raise BundleError("an ensemble needs two bundles or more. Name them one after the other.")
    digests = [bundle.digest for bundle in bundles]
    for i, digest in enumerate(digests):
        if digest in digests[:i]:
            raise BundleError(f"{bundles[i].folder} is named twice. Name other bundles.")
    faces.verify()
    models = [load_model(bundle.path("keras")) for bundle in bundles]
    answers = []
    for bundle, model in zip(bundles, models, strict=True):
        say(f"asking {bundle.folder}")
        answers.append(chances(model, faces))
    weights = np.full(len(bundles), 1 / len(bundles))
    if weighted:
        val = faces.splits == "val"
        if not val.any():
            raise DataError(f"{faces.folder} has no split val, by which --weighted weighs.")
        weights = fit_weights([each[val] for each in answers], faces.targets[val])
    mixed = np.tensordot(weights, answers, axes=1)
    scores: dict[str, Any] = {"members": {}}
    for bundle, weight, each in zip(bundles, weights, answers, strict=True):
        scores["members"][str(bundle.folder)] = {"weight": round(float(weight), 4)} | {
            split: _score(faces, each, split).accuracy for split in _splits(faces)
        }
    scores |= {split: _score(faces, mixed, split).to_json() for split in _splits(faces)}
    members = {f"member {i}": bundle.digest for i, bundle in enumerate(bundles, 1)}
    step = Step(
        "train ensemble",
        {"weighted": weighted, **members},
        {"faces": faces.digest},
        scores,
        versions(*PACKAGES),
        {"faces": faces.provenance},
    )
    history = [*(step for bundle in bundles for step in bundle.history), step]
    with TemporaryDirectory(prefix="edgefer-") as folder:
        averaged = average(models, weights)
        averaged.save(Path(folder) / "model.keras")
        card = Path(folder) / "MODEL_CARD.md"
        size = averaged.count_params()
        files = {
            "keras": Path(folder) / "model.keras",
            "card": write_card(card, out.name, faces, size, history),
        }
        if seen := seen_by(bundles):
            files[ROLE] = seen.save(Path(folder) / "training.npz")
        return write_bundle(
            out,
            labels=faces.labels,
            size=faces.size,
            files=files,
            history=history,
            force=force,
        )


def require_alike(bundles: Sequence[Bundle], faces: FaceSet) -> None:
    """Raise unless bundles have the labels and the size of a face set."""
    for bundle in bundles:
        if bundle.labels != faces.labels:
            raise BundleError(
                f"{bundle.folder} answers {', '.join(bundle.labels.names)}; {faces.folder} knows "
                f"{', '.join(faces.labels.names)}. Both must be the same."
            )
        if bundle.size != faces.size:
            raise BundleError(
                f"{bundle.folder} takes patches of {bundle.size} pixels, those of {faces.folder} "
                f"have {faces.size}. Import the faces again with --size {bundle.size}."
            )


def seen_by(bundles: Sequence[Bundle]) -> Seen | None:
    """What bundles were trained on, together; None where none of them tells."""
    known = [seen for seen in map(Seen.load, bundles) if seen is not None]
    return reduce(Seen.__or__, known) if known else None


def average(models: Sequence[Any], weights: np.ndarray) -> Any:
    """One network out of several: float32 (N, S, S, 1), 0..255, to probabilities (N, K)."""
    faces = keras.Input(models[0].input_shape[1:], name="faces")
    parts = []
    for i, (model, weight) in enumerate(zip(models, weights, strict=True), 1):
        named = keras.Model(model.input, model.output, name=f"member{i}")
        part = keras.layers.Rescaling(float(weight), name=f"weight{i}")
        parts.append(part(named(faces)))
    return keras.Model(faces, keras.layers.Add(name="probabilities")(parts), name="ensemble")


def fit_weights(answers: Sequence[np.ndarray], targets: np.ndarray) -> np.ndarray:
    """Weights, float64 (M,), 0 or more and summing to 1, of the highest mean log-likelihood.

    The likelihood of a mixture is concave in its weights, so that there is one optimum; it is found
    by expectation-maximization (Dempster, Laird and Rubin, 1977).

    Parameters
    ----------
    answers : sequence of ndarray, each of shape (N, K)
        Probabilities of each network.
    targets : ndarray of int, shape (N,)
        Right answers.
    """
    right = np.stack([each[np.arange(len(targets)), targets] for each in answers], axis=1)
    right = np.maximum(right.astype(np.float64), 1e-12)
    weights = np.full(len(answers), 1 / len(answers))
    for _ in range(2000):
        share = weights * right
        new = (share / share.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(new - weights).max() < 1e-9:
            break
        weights = new
    return weights


def _splits(faces: FaceSet) -> list[str]:
    return [name for name in faces.split_names if name]


def _score(faces: FaceSet, answers: np.ndarray, split: str) -> Score:
    own = faces.splits == split
    return Score.of(faces.labels, faces.targets[own], answers[own].argmax(axis=1))
