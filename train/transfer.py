"""Carry a trained network over to other faces, and to other emotions."""

from collections.abc import Callable, Mapping
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
from .checkpoints import State
from .fit import answers
from .recipe import NETWORK, TrainRecipe
from .thaw import require_stages
from .together import Together


def train_transfer(
    bundle: Bundle,
    faces: FaceSet,
    recipe: TrainRecipe,
    out: Path,
    *,
    renames: Mapping[str, str] | None = None,
    old: FaceSet | None = None,
    report: Callable[[State], None] | None = None,
    resume: bool = False,
    force: bool = False,
) -> Bundle | None:
    """Train a bundle's network further on another face set, with a head over that set's labels.

    First only the head learns, then stage after stage joins in, as the recipe says.

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
    old : FaceSet, optional
        Faces of the base's kind: to say what the transfer costs there, and to replay.
    report, resume, force
        As for `edgefer.train.base.train_base`.

    Returns
    -------
    Bundle or None
        Its history begins with the base's and ends with this step, whose scores hold, beside those
        of every split, how well the base read the emotions that both know (``before``), and, with
        ``old``, how well the old faces were and are read (``old before``, ``old after``).

    Raises
    ------
    DataError
        If the patches differ in size, or the old faces speak of other emotions than the bundle.
    EdgeferError
        If the network lacks the stages or the last layer that a transfer needs.
    """
    for other in (faces, old):
        if other is not None and other.size != bundle.size:
            raise DataError(
                f"{bundle.folder} takes patches of {bundle.size} pixels, those of {other.folder} "
                f"have {other.size}. Import the faces again with --size {bundle.size}."
            )
    if recipe.replay and old is None:
        raise EdgeferError("--replay needs faces to replay: name the base's with --old.")
    recipe = replace(recipe, **_network(bundle))
    meaning = translate(bundle.labels, faces.labels, renames)
    base, seen = load_model(bundle.path("keras")), Seen.load(bundle)
    require_stages(base, recipe)
    if old is not None:
        old.verify()
    # The old faces are read in their own labels, by the base and by what becomes of it.
    known = _judged(old, bundle.labels) if old is not None else None
    back = {after: before for before, after in meaning.items()}
    say("scoring the base")
    before = {"before": shared_scores(base, faces, meaning)} if meaning else {}
    if known is not None and meaning:
        before["old before"] = shared_scores(base, known, {i: i for i in meaning})
    keras.utils.set_random_seed(recipe.seed)
    model = new_head(base, faces.labels, meaning)

    def scores(trained: Any) -> dict[str, Any]:
        if known is None or not meaning:
            return before
        return before | {"old after": shared_scores(trained, known, back)}

    def replayed(train: FaceSet) -> Together:
        assert old is not None
        there = translate(old.labels, faces.labels, renames)
        earlier = old.split("train").relabel(faces.labels, there)
        if not len(earlier):
            raise DataError(
                f"none of {old.folder} can be replayed: {', '.join(old.labels.names)} are not "
                f"among {', '.join(faces.labels.names)}. Leave --replay out, or say what is what "
                "with --map OLD=NEW."
            )
        both = Together(train, earlier, recipe.replay, recipe.seed)
        say(f"{len(both) - len(train)} old faces are replayed beside {len(train)} new ones")
        return both

    return train_bundle(
        model,
        faces,
        recipe,
        out,
        stage="train transfer",
        start={"base": bundle.digest},
        others={"old": old} if old is not None else {},
        history=bundle.history,
        scores=scores,
        seen=Seen.of(old) | seen if old is not None and recipe.replay else seen,
        replayed=replayed if recipe.replay else None,
        report=report,
        resume=resume,
        force=force,
    )


def _judged(old: FaceSet, labels: Labels) -> FaceSet:
    """Old faces in the bundle's labels, those that were not trained on if there are any."""
    others = old.splits != "train"
    chosen = old.select(others) if others.any() else old
    known = chosen.relabel(labels, translate(old.labels, labels))
    if not len(known):
        raise DataError(
            f"{old.folder} has {', '.join(old.labels.names)}; the bundle knows none of them, but "
            f"{', '.join(labels.names)}. Name faces of the base's kind with --old."
        )
    return known


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
    if not isinstance(old, keras.layers.Dense):
        raise EdgeferError(
            f"{model.name} ends in {type(old).__name__}, a transfer needs a dense layer there: an "
            "ensemble is carried over by distilling it into one network first."
        )
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
