"""Train a network from the beginning."""

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.bundle import Bundle, Step, versions, write_bundle
from edgefer.errors import DataError, EdgeferError
from edgefer.faceset import FaceSet
from edgefer.folders import refuse
from edgefer.keras import keras, tf
from edgefer.plugins import check_call, resolve
from edgefer.progress import say
from edgefer.seen import ROLE, Seen

from .backbones import BACKBONES
from .card import write_card
from .checkpoints import Checkpoints, State
from .curves import draw_curves
from .fit import devices, fit, policy_of, score, write_log
from .recipe import NETWORK, TrainRecipe
from .strategy import is_chief
from .together import Together

PACKAGES = ("tensorflow", "tf-keras", "scikit-learn", "numpy")


def train_base(
    faces: FaceSet,
    recipe: TrainRecipe,
    out: Path,
    *,
    weights: Path | None = None,
    report: Callable[[State], None] | None = None,
    resume: bool = False,
    force: bool = False,
) -> Bundle | None:
    """Train a network on a face set's ``train`` split, chosen by its ``val`` split.

    Parameters
    ----------
    faces : FaceSet
        Needs both splits.
    recipe : TrainRecipe
        Every choice; it goes into the bundle.
    out : Path
        The bundle to be; while training runs its state lies beside it, in ``OUT.run``.
    weights : Path, optional
        ImageNet weights to begin with: see `edgefer.train.backbones.imagenet`.
    report : callable, optional
        Called with the training's state after every epoch.
    resume : bool
        Go on with an interrupted training.
    force : bool
        Replace a bundle, or start an interrupted training anew.

    Returns
    -------
    Bundle or None
        With the Keras model, the log, the curves, a model card, hashes of the faces it was trained
        on, and the scores of every split in its history. Of several workers only the first writes
        it.

    Raises
    ------
    DataError
        If a split is missing or has fewer than two emotions.
    EdgeferError
        If a backbone of one's own does not keep its contract.
    """
    recipe = spelled_out(recipe)
    model, start = build_network(recipe, len(faces.labels), faces.size), {}
    if weights is not None:
        from .backbones.imagenet import start_from_imagenet

        start_from_imagenet(model, weights)
        start["weights"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    return train_bundle(
        model,
        faces,
        recipe,
        out,
        stage="train base",
        start=start,
        report=report,
        resume=resume,
        force=force,
    )


def build_network(recipe: TrainRecipe, classes: int, size: int) -> Any:
    """Untrained network of a recipe, the same for the same seed.

    Raises
    ------
    EdgeferError
        If the backbone is not known, leaves something open less than was chosen, or is no network.
    """
    keras.utils.set_random_seed(recipe.seed)
    backbone = resolve(recipe.backbone, BACKBONES)
    asked = {name: getattr(recipe, name) for name in NETWORK if name != "backbone"}
    choices = {name: value for name, value in asked.items() if value is not None}
    contract = "edgefer.train.backbones.Backbone"
    known = inspect.signature(backbone).parameters
    if not any(one.kind is one.VAR_KEYWORD for one in known.values()):
        for name in choices:
            if name not in known:
                what = f"{recipe.backbone} has no {name} to choose"
                raise EdgeferError(f"{what}: leave --{name} out.")
    check_call(recipe.backbone, backbone, contract, classes, size, **choices)
    model = backbone(classes, size, **choices)
    if not isinstance(model, keras.Model):
        raise EdgeferError(
            f"{recipe.backbone!r} makes a {type(model).__name__}, expected a keras.Model. The "
            f"contract is {contract}."
        )
    return model


def spelled_out(recipe: TrainRecipe) -> TrainRecipe:
    """The same recipe, with the network's own choices where it leaves them to it."""
    known = inspect.signature(resolve(recipe.backbone, BACKBONES)).parameters
    own = {
        name: known[name].default
        for name in NETWORK
        if name in known and getattr(recipe, name) is None
    }
    return replace(recipe, **own)


def train_bundle(
    model: Any,
    faces: FaceSet,
    recipe: TrainRecipe,
    out: Path,
    *,
    stage: str,
    start: Mapping[str, str] | None = None,
    others: Mapping[str, FaceSet] | None = None,
    history: Sequence[Step] = (),
    scores: Callable[[Any], Mapping[str, Any]] = lambda model: {},
    seen: Seen | None = None,
    replayed: Callable[[FaceSet], Together] | None = None,
    teach: Callable[[FaceSet], np.ndarray] | None = None,
    report: Callable[[State], None] | None = None,
    resume: bool = False,
    force: bool = False,
) -> Bundle | None:
    """Fit a model, score it on every split, and write the bundle.

    Parameters
    ----------
    model, faces, recipe, out, report, resume, force
        As for `train_base`.
    stage : str
        What the step is called in the bundle's history.
    start : mapping of str to str, optional
        Digests of the bundles or weights it starts from, by their part; they go into the history.
    others : mapping of str to FaceSet, optional
        Other face sets that it uses, by their part.
    history : sequence of Step
        Of the bundle that it starts from.
    scores : callable
        Gives more scores of the trained model, by name.
    seen : Seen, optional
        What else the network has been trained on.
    replayed : callable, optional
        Gives the training faces together with others.
    teach : callable, optional
        Gives what teachers answer for faces, float32 (N, K).
    """
    refuse(out, "bundle.json", force=force)
    train, val = halves(faces)
    facesets, choices = {"faces": faces, **(others or {})}, {**asdict(recipe), **(start or {})}
    used = {part: each.digest for part, each in facesets.items()}
    identity = {"recipe": choices, "face sets": used}
    checkpoints = Checkpoints(
        out.with_name(out.name + ".run"), identity, resume=resume, force=force
    )
    learned = replayed(train) if replayed else train
    taught = teach(train) if teach else None
    try:
        model, state = fit(model, learned, val, recipe, checkpoints, taught=taught, report=report)
    except KeyboardInterrupt:
        say(f"stopped; what was done lies in {checkpoints.folder}: go on with --resume")
        raise
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        raise EdgeferError(
            f"another worker went away. What was done lies in {checkpoints.folder}: type the same "
            "command with --resume on every machine."
        ) from error
    if not is_chief():
        say(f"done; the first worker writes {out}")
        return None
    say("scoring every split")
    measured = {
        name: score(model, faces.split(name)).to_json() for name in faces.split_names if name
    }
    step = Step(
        stage,
        choices,
        used,
        {
            **scores(model),
            "epochs": state.epoch,
            "best_epoch": state.best_epoch,
            "computed": f"{policy_of(recipe)} on {devices()}",
            **measured,
        },
        versions(*PACKAGES),
        {part: each.provenance for part, each in facesets.items()},
    )
    files = _files(model, state, checkpoints.folder)
    files[ROLE] = (Seen.of(faces) | seen).save(checkpoints.folder / "training.npz")
    files["card"] = write_card(
        checkpoints.folder / "MODEL_CARD.md",
        out.name,
        faces,
        model.count_params(),
        [*history, step],
    )
    bundle = write_bundle(
        out,
        labels=faces.labels,
        size=faces.size,
        files=files,
        history=[*history, step],
        force=force,
    )
    checkpoints.clear()
    return bundle


def halves(faces: FaceSet) -> tuple[FaceSet, FaceSet]:
    """Splits ``train`` and ``val`` of a face set that can be learned from.

    Raises
    ------
    DataError
        If one is missing, the faces were changed, or there are fewer than two emotions.
    """
    train, val = faces.split("train"), faces.split("val")
    if len(set(train.targets.tolist())) < 2:
        raise DataError(f"the split train of {faces.folder} shows one emotion, two are needed.")
    faces.verify()
    absent = [name for i, name in enumerate(faces.labels.names) if not (train.targets == i).any()]
    if absent:
        say(f"no face of the split train shows {', '.join(absent)}: nothing of them is learned")
    return train, val


def _files(model: Any, state: State, folder: Path) -> dict[str, Path]:
    """Write the model and what shows how it was trained."""
    model.save(folder / "model.keras")
    return {
        "keras": folder / "model.keras",
        "log": write_log(state, folder),
        "curves": draw_curves(state.log, folder / "curves.png"),
    }
