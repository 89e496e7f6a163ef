"""The folder of a search: who tries what, shared by every worker and kept through kills.

Optuna's SQLite study holds the trials. A worker owns its trial by a lock on a file of the trial's,
which the system releases when the worker dies, however it dies: there is no heartbeat to wait for.
Every access to the study goes through one more lock: SQLite has no SELECT FOR UPDATE, by which
Optuna keeps two workers from the same trial.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import optuna

from edgefer.errors import DataError, EdgeferError
from edgefer.folders import refuse, write_file

from .checkpoints import State, changes
from .recipe import TrainRecipe
from .space import SearchRecipe

MARKER = "search.json"
ENDS = 5  # times that a trial may end at the same epoch, killed or by an error, and be taken up
STARTUP = 5  # trials that are never stopped early, so that there is a median
_NAME = "edgefer"


@dataclass(frozen=True)
class Claim:
    """A trial that this worker owns.

    Attributes
    ----------
    trial : optuna.trial.Trial
        Optuna's handle of it.
    recipe : TrainRecipe
        What to train.
    folder : Path
        Where the training keeps its state.
    lock : file
        Held as long as it is open.
    """

    trial: optuna.trial.Trial
    recipe: TrainRecipe
    folder: Path
    lock: IO[str]


class StudyFolder:
    """A search's folder, made or joined."""

    def __init__(self, folder: Path, recipe: SearchRecipe, digest: str) -> None:
        """Open the folder.

        Parameters
        ----------
        folder : Path
            Made if it is not there.
        recipe : SearchRecipe
            What is searched, and how.
        digest : str
            The face set's.

        Raises
        ------
        EdgeferError
            If it holds something else, another search, or its disk knows no locks.
        """
        self.folder, self.recipe = folder, recipe
        if not (folder / MARKER).exists() and not (folder / "study.lock").exists():
            refuse(folder, MARKER, force=False)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EdgeferError(f"cannot write to {folder}: {error.strerror}.") from error
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with self._locked():
            self._identify({"recipe": recipe.identity(), "face set": digest})
            self._study = optuna.create_study(
                storage=optuna.storages.RDBStorage(f"sqlite:///{(folder / 'study.db').absolute()}"),
                study_name=_NAME,
                direction="maximize",
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(STARTUP, recipe.fixed.epochs // 3),
            )

    def claim(self) -> Claim | None:
        """A trial whose worker died, else a new one; None where all are done or in work."""
        with self._locked():
            for old in self._study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
                lock = self._own(old.number)
                if lock is None:
                    continue
                trial = optuna.trial.Trial(self._study, old._trial_id)
                here = f"ended after epoch {len(old.intermediate_values)}"
                ends = old.user_attrs.get(here, 0) + 1
                if ends > ENDS:  # such a trial would else keep every worker busy for ever
                    trial.set_user_attr("failed", f"{here} {ENDS + 1} times")
                    self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
                    lock.close()
                    continue
                trial.set_user_attr(here, ends)
                self._seed(old.number)
                return self._claim(trial, lock)
            count = len(self._study.get_trials(deepcopy=False))
            if count >= self.recipe.trials:
                return None
            self._seed(count)
            if not count and self.recipe.start:  # so that nothing worse than it can win
                self._study.enqueue_trial(self.recipe.start)
            trial = self._study.ask()
            lock = self._own(trial.number)
            if lock is None:
                raise EdgeferError(f"{self._trial(trial.number)} is in use by another search.")
            return self._claim(trial, lock)

    def report(self, claim: Claim, state: State) -> None:
        """Keep an epoch's validation accuracy.

        Raises
        ------
        optuna.TrialPruned
            If it is below the median of the finished trials at that epoch.
        """
        with self._locked():
            known = self._frozen(claim).intermediate_values
            for step, row in enumerate(state.log):
                if step not in known:
                    claim.trial.report(row["val_accuracy"], step)
            if state.epoch < claim.recipe.epochs and claim.trial.should_prune():
                raise optuna.TrialPruned

    def finish(self, claim: Claim, accuracy: float | None, *, failed: str = "") -> None:
        """Close a trial: with its accuracy, as stopped early (None), or as failed with a reason."""
        states = optuna.trial.TrialState
        with self._locked(), claim.lock:
            if failed:
                claim.trial.set_user_attr("failed", failed)
                self._study.tell(claim.trial, state=states.FAIL)
            elif accuracy is None:
                self._study.tell(claim.trial, state=states.PRUNED)
            else:
                self._study.tell(claim.trial, accuracy)

    def trials(self) -> list[optuna.trial.FrozenTrial]:
        """Every trial, in the order in which they began."""
        with self._locked():
            return self._study.get_trials()

    def importances(self) -> dict[str, float]:
        """Share of each choice in how good trials differ from the others; sum is 1."""
        with self._locked():
            return optuna.importance.get_param_importances(self._study)

    def _seed(self, number: int) -> None:
        """A seed for each trial: a sampler made anew would begin with the first numbers again."""
        seed = np.random.SeedSequence([self.recipe.fixed.seed, number]).generate_state(1)[0]
        self._study.sampler = optuna.samplers.TPESampler(seed=int(seed))

    def _claim(self, trial: optuna.trial.Trial, lock: IO[str]) -> Claim:
        """What was chosen for a trial; what was not yet, when its worker died, is chosen now."""
        choices: dict[str, Any] = {}
        for name, each in self.recipe.over.items():
            if each.choices:
                choices[name] = trial.suggest_categorical(name, each.choices)
            elif isinstance(each.low, int) and isinstance(each.high, int):
                choices[name] = trial.suggest_int(name, each.low, each.high, log=each.log)
            else:
                choices[name] = trial.suggest_float(name, each.low, each.high, log=each.log)
        return Claim(trial, self.recipe.recipe(choices), self._trial(trial.number), lock)

    def _frozen(self, claim: Claim) -> optuna.trial.FrozenTrial:
        return self._study.get_trials(deepcopy=False)[claim.trial.number]

    def _trial(self, number: int) -> Path:
        return self.folder / "trials" / str(number)

    def _own(self, number: int) -> IO[str] | None:
        """Lock of a trial; None where a living worker has it."""
        folder = self._trial(number)
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("w", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "study.lock").open("w", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError as error:
                raise EdgeferError(
                    f"the disk of {self.folder} knows no locks ({error.strerror}), which a search "
                    "needs. Choose a local folder with -o."
                ) from error
            yield

    def _identify(self, identity: dict[str, Any]) -> None:
        path = self.folder / MARKER
        if not path.exists():
            write_file(path, (json.dumps(identity, indent=2) + "\n").encode())
            return
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read: {error}.") from error
        changed = changes(found, identity)
        if changed:
            raise EdgeferError(
                f"{self.folder} holds another search: {', '.join(changed)}. Repeat its options, or "
                "choose another name with -o."
            )
