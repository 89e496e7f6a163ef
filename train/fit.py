"""Fit a network to a face set: the loop of all training; it can be killed and resumed."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.faceset import FaceSet
from edgefer.keras import accuracy, keras, precision, probabilities, tf, with_policy
from edgefer.progress import say
from edgefer.report import Score

from .average import Average
from .bar import epoch_bar
from .checkpoints import Checkpoints, State
from .dropout import repeatable
from .optimizer import loss_of, optimizer_of
from .pipeline import training_batches, validation_batches
from .recipe import TrainRecipe
from .strategy import current, is_chief
from .targets import soft_targets
from .thaw import count_stages, freeze, frozen_stages
from .together import Together

LOG_COLUMNS = ("epoch", "rate", "loss", "accuracy", "val_loss", "val_accuracy")


def fit(
    model: Any,
    train: FaceSet | Together,
    val: FaceSet,
    recipe: TrainRecipe,
    checkpoints: Checkpoints,
    *,
    taught: np.ndarray | None = None,
    report: Callable[[State], None] | None = None,
) -> tuple[Any, State]:
    """Train a network and return it with the weights that validated best.

    Parameters
    ----------
    model : keras.Model
        As a `Backbone` builds it.
    train, val : FaceSet or Together
        What to learn from, and what to choose the best epoch by.
    recipe : TrainRecipe
        Every choice.
    checkpoints : Checkpoints
        Where the state is kept, and perhaps resumed from.
    taught : ndarray of float32, shape (N, K), optional
        What teachers answer for each training face.
    report : callable, optional
        Called with the state after every epoch, when it is kept; what it raises ends the training.

    Returns
    -------
    model : keras.Model
        In float32.
    state : State
        The log, and which epoch was best.
    """
    keras.utils.set_random_seed(recipe.seed)
    policy = policy_of(recipe)
    steps, stages = -(-len(train) // recipe.batch), count_stages(model)
    with current().scope():
        optimizer = optimizer_of(recipe, steps, policy, stages=stages)
        working = repeatable(with_policy(model, policy), recipe.seed, optimizer.iterations)
        working.compile(optimizer, loss=loss_of(recipe), metrics=[accuracy()])
        state, mean, best = checkpoints.restore(working)
        if state.rate:
            working.optimizer.learning_rate.assign(state.rate)
    frozen = 0
    say(f"{len(train)} faces, {working.count_params():,} parameters, {policy}")
    targets, checks = soft_targets(train, recipe, taught=taught), validation_batches(val)
    average = Average(recipe.average, mean, state.epoch * steps)
    while state.epoch < recipe.epochs and not _tired(state, recipe):
        batches = training_batches(train, recipe, targets, state.epoch)
        wanted = frozen_stages(recipe, stages, state.epoch)
        if wanted != frozen:
            frozen = wanted
            freeze(working, frozen)
            with current().scope():
                working.compile(optimizer, loss=loss_of(recipe), metrics=[accuracy()])
            say(f"{frozen} of {stages} stages stay as they are")
        with epoch_bar(state.epoch + 1, recipe.epochs, steps) as bar:
            row = working.fit(batches, verbose=0, callbacks=[bar, average]).history
        with average.shown(working):
            val_loss, val_accuracy = working.evaluate(checks, verbose=0)
        state.epoch += 1
        rate = float(keras.backend.get_value(working.optimizer.learning_rate))
        values = (state.epoch, rate, row["loss"][0], row["accuracy"][0], val_loss, val_accuracy)
        state.log.append(dict(zip(LOG_COLUMNS, values, strict=True)))
        if val_accuracy > state.best_accuracy:
            state.best_accuracy, state.best_epoch = val_accuracy, state.epoch
            best = [value.copy() for value in average.weights]
        if recipe.schedule == "plateau":
            _lower(working.optimizer, state, val_loss, recipe)
        checkpoints.save(state, working, average.weights, best)
        say(
            f"epoch {state.epoch}/{recipe.epochs}  loss {row['loss'][0]:.3f}  "
            f"accuracy {row['accuracy'][0]:.3f}  val {val_accuracy:.3f}  best "
            f"{state.best_accuracy:.3f} ({state.best_epoch})"
        )
        if report is not None and is_chief():
            report(state)
    trained = with_policy(model, "float32")
    trained.set_weights(best)
    return trained, state


def policy_of(recipe: TrainRecipe) -> str:
    """Keras policy that a recipe stands for on this machine."""
    return precision() if recipe.precision == "auto" else recipe.precision


def devices() -> str:
    """What a training computes on here: ``CPU``, ``GPU``, or ``2 GPU``."""
    count = len(tf.config.list_physical_devices("GPU"))
    return f"{count} GPU" if count > 1 else "GPU" if count else "CPU"


def score(model: Any, faces: FaceSet) -> Score:
    """Score of a network on faces with its own labels."""
    return Score.of(faces.labels, faces.targets, answers(model, faces))


def answers(model: Any, faces: FaceSet) -> np.ndarray:
    """Class id that a network gives each face, int64 (N,)."""
    return np.asarray(chances(model, faces).argmax(axis=1))


def chances(model: Any, faces: FaceSet, *, mirrored: bool = False, step: int = 4096) -> np.ndarray:
    """Probabilities, float32 (N, K), of faces or of their mirror images, read a part at a time."""
    positions = np.arange(len(faces))
    parts = []
    for start in range(0, len(faces), step):
        patches = faces.take(positions[start : start + step])
        parts.append(probabilities(model, patches[:, :, ::-1] if mirrored else patches))
    return np.concatenate(parts)


def write_log(state: State, folder: Path) -> Path:
    """Write ``log.csv``, one row an epoch."""
    path = folder / "log.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, LOG_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(state.log)
    return path


def _tired(state: State, recipe: TrainRecipe) -> bool:
    return 0 < recipe.patience <= state.epoch - state.best_epoch


def _lower(optimizer: Any, state: State, loss: float, recipe: TrainRecipe) -> None:
    """Lower the rate when the validation loss stands still."""
    state.waited = 0 if loss < state.best_loss else state.waited + 1
    state.best_loss = min(loss, state.best_loss)
    if state.waited >= recipe.lower_after:
        optimizer.learning_rate.assign(optimizer.learning_rate * recipe.lower)
        state.waited = 0
    state.rate = float(keras.backend.get_value(optimizer.learning_rate))
