"""Keep a training's state after every epoch, so that it can be killed and resumed."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.errors import EdgeferError
from edgefer.progress import say

from .strategy import is_chief

# What a training keeps in its folder; nothing else there is touched.
OWN = (
    *("state.npz", "state.partial"),
    *("model.keras", "log.csv", "curves.png", "training.npz", "MODEL_CARD.md"),
)


@dataclass
class State:
    """Where a training stands after an epoch; what a resume starts from.

    Attributes
    ----------
    epoch : int
        Epochs done.
    best_epoch : int
        The epoch that validated best.
    best_accuracy : float
        Its validation accuracy.
    best_loss : float
        Lowest validation loss so far.
    waited : int
        Epochs since that loss was last lowered; plateau schedule only.
    rate : float
        Learning rate of the next epoch; plateau schedule only, a cosine follows from the epoch.
    log : list of dict
        One row an epoch, the columns of ``log.csv``.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_accuracy: float = -1.0
    best_loss: float = float("inf")
    waited: int = 0
    rate: float = 0.0
    log: list[dict[str, float]] = field(default_factory=list)


class Checkpoints:
    """The folder beside a bundle to be, in which a training keeps its state after every epoch."""

    def __init__(
        self, folder: Path, identity: Mapping[str, Any], *, resume: bool, force: bool
    ) -> None:
        """Open the folder.

        Parameters
        ----------
        folder : Path
            Where the state lies.
        identity : mapping
            What must be equal for a resume to make sense: recipe and face set digests.
        resume : bool
            Go on from what is there.
        force : bool
            Throw away what is there.

        Raises
        ------
        EdgeferError
            If an interrupted training is there and neither was asked for, or it was another one.
        """
        self._state, self._identity = folder / "state.npz", dict(identity)
        self.folder = folder
        if self._state.exists() and not resume:
            if not force:
                raise EdgeferError(
                    f"{folder} holds an interrupted training. Go on with --resume, or start anew "
                    "with --force."
                )
            self.clear()
        if resume and not self._state.exists():
            say(f"nothing to go on with in {folder}: starting at epoch 1")
        if self._state.exists():
            found = json.loads(str(self._read()["identity"]))
            changed = changes(found, json.loads(json.dumps(self._identity)))
            if changed:
                raise EdgeferError(
                    f"{folder} holds another training: {', '.join(changed)}. Repeat its options, "
                    "or start anew with --force."
                )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EdgeferError(f"cannot write to {folder}: {error.strerror}.") from error

    def save(
        self, state: State, model: Any, mean: list[np.ndarray], best: list[np.ndarray]
    ) -> None:
        """Write everything, the averaged and the best weights too, whole or not at all.

        Of several workers one writes; the others take part, as their weights are read together.
        """
        arrays = {f"w{i}": value for i, value in enumerate(model.get_weights())}
        arrays |= {f"m{i}": value for i, value in enumerate(mean)}
        arrays |= {f"b{i}": value for i, value in enumerate(best)}
        arrays |= {f"o{i}": value.numpy() for i, value in enumerate(_slots(model.optimizer))}
        if not is_chief():
            return
        temporary = self._state.with_suffix(".partial")
        with temporary.open("wb") as file:
            np.savez(
                file,
                identity=json.dumps(self._identity),
                state=json.dumps(asdict(state)),
                **arrays,
            )
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._state)

    def restore(self, model: Any) -> tuple[State, list[np.ndarray], list[np.ndarray]]:
        """State, weights and optimizer as they were; a fresh state if there is none.

        The averaged and the best weights are handed back.
        """
        model.optimizer.build(model.trainable_variables)
        if not self._state.exists():
            return State(), model.get_weights(), model.get_weights()
        data = self._read()
        weights = [data[f"w{i}"] for i in range(len(model.get_weights()))]
        model.set_weights(weights)
        for i, variable in enumerate(_slots(model.optimizer)):
            variable.assign(data[f"o{i}"])
        mean, best = ([data[f"{name}{i}"] for i in range(len(weights))] for name in "mb")
        return State(**json.loads(str(data["state"]))), mean, best

    def clear(self) -> None:
        """Remove what a training keeps here; the folder too, unless it holds something else."""
        for name in OWN:
            (self.folder / name).unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _read(self) -> Mapping[str, np.ndarray]:
        with np.load(self._state, allow_pickle=False) as data:
            return {name: data[name] for name in data.files}


def changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two trainings, in words."""
    said = []
    for key, value in now.items():
        old = then.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            said += changes(old, value)
        elif old != value:
            # A digest says nothing to anybody.
            long = len(str(value)) > 40 or len(str(old)) > 40
            said.append(f"another {key}" if long else f"{key} {old} then, {value} now")
    return said


def _slots(optimizer: Any) -> list[Any]:
    """Variables of an optimizer; of a loss scaler the scale and its counter too."""
    variables = optimizer.variables
    slots = list(variables() if callable(variables) else variables)
    # Keras names the inner optimizer's only, and gives the scale away as a number.
    scale = getattr(optimizer, "_loss_scale", None)
    return slots + ([scale.current_loss_scale, scale.counter] if scale is not None else [])
