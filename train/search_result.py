"""What a search found: a table, a CSV file, a picture, and the command that trains the winner."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgefer.errors import EdgeferError
from edgefer.faceset import FaceSet

from .recipe import TrainRecipe
from .space import SearchRecipe, as_flag

if TYPE_CHECKING:
    import optuna

    from .study_folder import StudyFolder

_STATES = {"COMPLETE": "done", "PRUNED": "stopped early", "FAIL": "failed", "RUNNING": "running"}
# Fewer finished trials say nothing about what a choice is worth.
ENOUGH = 5


@dataclass(frozen=True)
class Tried:
    """One trial.

    Attributes
    ----------
    number : int
        Counted from 0.
    state : str
        ``done``, ``stopped early``, ``failed`` or ``running``.
    choices : mapping of str to object
        What was searched, as it was trained.
    epochs : tuple of float
        Validation accuracy after each epoch, between 0 and 1.
    why : str
        Why it failed.
    """

    number: int
    state: str
    choices: Mapping[str, Any]
    epochs: tuple[float, ...]
    why: str = ""

    @property
    def accuracy(self) -> float:
        """Best validation accuracy, between 0 and 1; 0 where there is none."""
        return max(self.epochs, default=0.0)

    @classmethod
    def of(cls, recipe: SearchRecipe, trial: "optuna.trial.FrozenTrial") -> "Tried":
        """A trial of Optuna's."""
        complete = set(trial.params) == set(recipe.over)  # not where it was killed while choosing
        made = recipe.recipe(trial.params) if complete else None
        return cls(
            trial.number,
            _STATES[trial.state.name],
            {name: getattr(made, name) for name in recipe.over} if made else {},
            tuple(value for _, value in sorted(trial.intermediate_values.items())),
            trial.user_attrs.get("failed", ""),
        )


@dataclass(frozen=True)
class SearchResult:
    """Every trial of a search.

    Attributes
    ----------
    folder, faceset : Path
        The study's, and the faces'.
    recipe : SearchRecipe
        What was asked for.
    trials : tuple of Tried
        In the order in which they began.
    importances : mapping of str to float
        Share of each searched choice in what sets good trials apart, most first; sum is 1. Empty
        while fewer than five trials are done, or where all reached the same.
    """

    folder: Path
    faceset: Path
    recipe: SearchRecipe
    trials: tuple[Tried, ...]
    importances: Mapping[str, float]

    @classmethod
    def of(cls, faces: FaceSet, recipe: SearchRecipe, study: "StudyFolder") -> "SearchResult":
        """What a study's folder holds now."""
        trials = tuple(Tried.of(recipe, trial) for trial in study.trials())
        reached = [trial.accuracy for trial in trials if trial.state == "done"]
        enough = len(reached) >= ENOUGH and len(set(reached)) > 1
        return cls(
            study.folder, faces.folder, recipe, trials, study.importances() if enough else {}
        )

    @property
    def ranked(self) -> list[Tried]:
        """Trials that are done, best first."""
        done = [trial for trial in self.trials if trial.state == "done"]
        return sorted(done, key=lambda trial: -trial.accuracy)

    @property
    def winner(self) -> Tried:
        """The best trial.

        Raises
        ------
        EdgeferError
            If none is done.
        """
        if not self.ranked:
            raise EdgeferError(
                f"no trial of {self.folder} is done: {', '.join(map(str, self._counts()))}."
            )
        return self.ranked[0]

    @property
    def full(self) -> TrainRecipe:
        """The winner's recipe, with as many epochs as a training has."""
        epochs = max(self.recipe.fixed.epochs, TrainRecipe.epochs)
        return replace(self.recipe.fixed, **self.winner.choices, epochs=epochs)

    @property
    def command(self) -> str:
        """What to type to train the winner in full."""
        words = ["edgefer", "train", "base", str(self.faceset)]
        words += ["-o", str(self.folder.with_name(f"{self.folder.name}-winner"))]
        for field in fields(TrainRecipe):
            value = getattr(self.full, field.name)
            if value == field.default:
                continue
            flag = as_flag(field.name)
            words += (
                [f"--{flag}" if value else f"--no-{flag}"]
                if isinstance(value, bool)
                else [f"--{flag}", str(value)]
            )
        return shlex.join(words)

    def to_text(self, best: int = 5) -> str:
        """Best trials, what the choices are worth, and what to type next."""
        names = list(self.recipe.over)
        rows = [["trial", "val %", "epoch", *map(as_flag, names)]]
        for trial in [self.winner, *self.ranked[1:best]]:
            epoch = trial.epochs.index(trial.accuracy) + 1
            cells = [str(trial.number), f"{100 * trial.accuracy:.1f}", str(epoch)]
            rows.append([*cells, *(_cell(trial.choices[name]) for name in names)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        ]
        worth = [f"{as_flag(name)} {share:.2f}" for name, share in self.importances.items()]
        return "\n".join(
            [
                *lines,
                f"{len(self.trials)} of {self.recipe.trials} trials: {', '.join(self._counts())}",
                f"importance: {', '.join(worth) or f'needs {ENOUGH} different trials'}",
                "The split val chose the winner, so its score flatters it; the split test judges.",
                f"in full: {self.command}",
                f"{self.folder}: trials.csv, search.png",
            ]
        )

    def to_json(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        winner = self.winner
        return {
            "study": str(self.folder),
            "faceset": str(self.faceset),
            "winner": winner.number,
            "val_accuracy": winner.accuracy,
            "chosen_by": "val",
            "choices": dict(winner.choices),
            "importances": dict(self.importances),
            "command": self.command,
            "wanted": self.recipe.trials,
            "trials": [
                {
                    "trial": trial.number,
                    "state": trial.state,
                    "val_accuracy": trial.accuracy,
                    "epochs": list(trial.epochs),
                    "choices": dict(trial.choices),
                    "why": trial.why,
                }
                for trial in self.trials
            ],
        }

    def _counts(self) -> list[str]:
        states = [trial.state for trial in self.trials]
        return [f"{states.count(s)} {s}" for s in _STATES.values() if s in states]


def chosen(recipe: SearchRecipe, made: TrainRecipe) -> str:
    """What was searched, in words."""
    return ", ".join(f"{as_flag(name)} {_cell(getattr(made, name))}" for name in recipe.over)


def tried(trial: "optuna.trial.FrozenTrial") -> str:
    """What came of a trial, in words."""
    values = trial.intermediate_values
    best = f"val {100 * max(values.values()):.1f} %, " if values else ""
    state = _STATES[trial.state.name]
    return f"{best}{state} {trial.user_attrs.get('failed', '')}".rstrip() + (
        f" after {len(values)} epochs" if state == "stopped early" else ""
    )


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
