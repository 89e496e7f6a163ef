"""Train a network from the beginning."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgefer.bundle import Bundle, Step, versions, write_bundle
from edgefer.errors import DataError, EdgeferError
from edgefer.faceset import FaceSet
from edgefer.folders import refuse
from edgefer.keras import keras
from edgefer.plugins import check_call, resolve
from edgefer.progress import say
from edgefer.seen import ROLE, Seen

from .backbones import BACKBONES
from .checkpoints import Checkpoints, State
from .curves import draw_curves
from .fit import devices, fit, policy_of, score, write_log
from .recipe import NETWORK, TrainRecipe

PACKAGES = ("tensorflow", "tf-keras", "numpy")


def train_base(
    faces: FaceSet, recipe: TrainRecipe, out: Path, *, resume: bool = False, force: bool = False
) -> Bundle:
    """Train a network on a face set's ``train`` split, chosen by its ``val`` split.

    Parameters
    ----------
    faces : FaceSet
        Needs both splits.
    recipe : TrainRecipe
        Every choice; it goes into the bundle.
    out : Path
        The bundle to be; while training runs its state lies beside it, in ``OUT.run``.
    resume : bool
        Go on with an interrupted training.
    force : bool
        Replace a bundle, or start an interrupted training anew.

    Returns
    -------
    Bundle
        With the Keras model, the log, the curves, hashes of the faces it was trained on, and the
        scores of every split in its history.

    Raises
    ------
    DataError
        If a split is missing or has fewer than two emotions.
    EdgeferError
        If a backbone of one's own does not keep its contract.
    """
    model = network(faces, recipe)
    return train_bundle(model, faces, recipe, out, stage="train base", resume=resume, force=force)


def network(faces: FaceSet, recipe: TrainRecipe) -> Any:
    """Untrained network of a recipe for the labels and the patch size of a face set.

    Raises
    ------
    EdgeferError
        If a backbone of one's own does not keep its contract.
    """
    backbone = resolve(recipe.backbone, BACKBONES)
    keras.utils.set_random_seed(recipe.seed)
    classes = len(faces.labels)
    choices = {name: getattr(recipe, name) for name in NETWORK if name != "backbone"}
    contract = "edgefer.train.backbones.Backbone"
    check_call(recipe.backbone, backbone, contract, classes, faces.size, **choices)
    model = backbone(classes, faces.size, **choices)
    if not isinstance(model, keras.Model):
        raise EdgeferError(
            f"{recipe.backbone!r} makes a {type(model).__name__}, expected a keras.Model. The "
            f"contract is {contract}."
        )
    return model


def train_bundle(
    model: Any,
    faces: FaceSet,
    recipe: TrainRecipe,
    out: Path,
    *,
    stage: str,
    start: str = "",
    history: Sequence[Step] = (),
    scores: Mapping[str, Any] | None = None,
    seen: Seen | None = None,
    resume: bool = False,
    force: bool = False,
) -> Bundle:
    """Fit a model, score it on every split, and write the bundle.

    ``start``, ``history`` and ``seen`` are the base's: its digest, its history, what it was trained
    on.
    """
    refuse(out, "bundle.json", force=force)
    train, val = halves(faces)
    identity = {"recipe": asdict(recipe), "face set": faces.digest, "base": start}
    checkpoints = Checkpoints(
        out.with_name(out.name + ".run"), identity, resume=resume, force=force
    )
    try:
        model, state = fit(model, train, val, recipe, checkpoints)
    except KeyboardInterrupt:
        say(f"stopped; what was done lies in {checkpoints.folder}: go on with --resume")
        raise
    say("scoring every split")
    measured = {
        name: score(model, faces.split(name)).to_json() for name in faces.split_names if name
    }
    step = Step(
        stage,
        asdict(recipe),
        {"faces": faces.digest},
        {
            **(scores or {}),
            "epochs": state.epoch,
            "best_epoch": state.best_epoch,
            "computed": f"{policy_of(recipe)} on {devices()}",
            **measured,
        },
        versions(*PACKAGES),
    )
    files = _files(model, state, checkpoints.folder)
    files[ROLE] = (Seen.of(faces) | seen).save(checkpoints.folder / "training.npz")
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
