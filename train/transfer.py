"""Carry a trained network over to other faces, and to other emotions."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.bundle import Bundle
from edgefer.errors import DataError, EdgeferError
from edgefer.faceset import FaceSet
from edgefer.keras import keras, load_model
from edgefer.labels import Labels, translate
from edgefer.progress import say
from edgefer.seen import Seen

from .base import train_bundle
from .fit import answers
from .recipe import NETWORK, TrainRecipe


def train_transfer(
    bundle: Bundle,
    faces: FaceSet,
    recipe: TrainRecipe,
    out: Path,
    *,
    renames: Mapping[str, str] | None = None,
    resume: bool = False,
    force: bool = False,
) -> Bundle:
    """Train a bundle's network further on another face set, with a head over that set's labels.

    Parameters
    ----------
    bundle : Bundle
        Where the weights come from.
    faces : FaceSet
        What to adapt to; needs the splits ``train`` and ``val``, and patches of the bundle's size.
    recipe : TrainRecipe
        Every choice; ``backbone``, ``width`` and ``dropout`` are the bundle's own.
    out : Path
        The bundle to be.
    renames : mapping of str to str, optional
        Emotions of the bundle that go under another name in the face set. The HUFS work reads
        surprise as embarrassed.
    resume, force : bool
        As for `train_base`.

    Returns
    -------
    Bundle
        Its history begins with the base's and ends with this step, whose scores hold, beside those
        of every split, how well the base read the emotions that both know (``before``).

    Raises
    ------
    DataError
        If the patches differ in size.
    """
    if bundle.size != faces.size:
        raise DataError(
            f"{bundle.folder} takes patches of {bundle.size} pixels, those of {faces.folder} have "
            f"{faces.size}. Import the faces again with --size {bundle.size}."
        )
    recipe = replace(recipe, **_network(bundle))
    meaning = translate(bundle.labels, faces.labels, renames)
    base = load_model(bundle.path("keras"))
    say("scoring the base on the new faces")
    before = shared_scores(base, faces, meaning) if meaning else {}
    keras.utils.set_random_seed(recipe.seed)
    model = new_head(base, faces.labels, meaning)
    freeze(model, recipe.frozen)
    return train_bundle(
        model,
        faces,
        recipe,
        out,
        stage="train transfer",
        start=bundle.digest,
        history=bundle.history,
        scores={"before": before},
        seen=Seen.load(bundle),
        resume=resume,
        force=force,
    )


def _network(bundle: Bundle) -> dict[str, Any]:
    """Choices of the recipe that the bundle's own network was built by."""
    for step in reversed(bundle.history):
        if step.stage.startswith("train"):
            return {name: step.recipe[name] for name in NETWORK if name in step.recipe}
    return {}


def new_head(model: Any, labels: Labels, meaning: Mapping[int, int]) -> Any:
    """Same network with a last layer over other labels.

    Parameters
    ----------
    model : keras.Model
        Ends in a dense layer.
    labels : Labels
        The new labels.
    meaning : mapping of int to int
        Old class id to new class id: the weights of an emotion that both know are carried over.
    """
    old = model.layers[-1]
    head = keras.layers.Dense(
        len(labels), activation="softmax", dtype="float32", name="probabilities"
    )
    model = keras.Model(model.input, head(model.layers[-2].output), name=model.name)
    kernel, bias = head.get_weights()
    for before, after in meaning.items():
        kernel[:, after] = old.get_weights()[0][:, before]
        bias[after] = old.get_weights()[1][before]
    head.set_weights([kernel, bias])
    return model


def freeze(model: Any, stages: int) -> None:
    """Keep the first stages as they are, their running means and variances too.

    Raises
    ------
    EdgeferError
        If the network has fewer stages.
    """
    named = {match[1] for layer in model.layers if (match := re.match(r"stage(\d+)_", layer.name))}
    if stages > len(named):
        raise EdgeferError(
            f"--frozen is {stages}, the network has {len(named)} stages. Type that or less."
        )
    names = tuple(f"stage{number}_" for number in range(1, stages + 1))
    for layer in model.layers:
        layer.trainable = not layer.name.startswith(names)


def shared_scores(
    model: Any, faces: FaceSet, meaning: Mapping[int, int]
) -> dict[str, dict[str, Any]]:
    """Per split, how well a model with other labels reads the emotions that both know.

    Parameters
    ----------
    model : keras.Model
        Answers in its own labels.
    faces : FaceSet
        Speaks in its own; faces of emotions that the model lacks are left out.
    meaning : mapping of int to int
        The model's class id to the face set's. An answer outside of it counts as wrong.

    Returns
    -------
    dict
        ``faces``, ``accuracy`` and ``recall`` per emotion for each split.
    """
    known = faces.select(np.isin(faces.targets, list(meaning.values())))
    if not len(known):
        return {}
    read = np.full(model.output_shape[-1], -1)
    read[list(meaning)] = list(meaning.values())
    right = read[answers(model, known)] == known.targets
    emotions = {i: faces.labels.names[i] for i in sorted(set(known.targets.tolist()))}
    return {
        split: {
            "faces": int((known.splits == split).sum()),
            "accuracy": float(right[known.splits == split].mean()),
            "recall": {
                emotion: float(right[(known.splits == split) & (known.targets == i)].mean())
                for i, emotion in emotions.items()
                if ((known.splits == split) & (known.targets == i)).any()
            },
        }
        for split in known.split_names
    }
