"""Whether several workers on one study of `edgefer train search` count and share trials rightly.

    python benchmarks/search_storage.py [--workers 6] [--trials 120]

Every worker takes trials, reports ten epochs and finishes, without training. Optuna alone begins
with a third of the trials queued, which is how it repeats those of dead workers. A clash is a trial
that two workers took: the second fails.
"""

import multiprocessing
import tempfile
import time
import warnings
from pathlib import Path

import click
import optuna

from edgefer.train.checkpoints import State
from edgefer.train.recipe import TrainRecipe
from edgefer.train.space import SearchRecipe, parse_over
from edgefer.train.study_folder import StudyFolder

EPOCHS = 10
LOG = [{"epoch": i + 1, "val_accuracy": 0.5} for i in range(EPOCHS)]


def optuna_alone(kind, folder, trials):
    """Takes and finishes a trial as Optuna's manual has it; False when there are enough."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if kind == "journal":
        backend = optuna.storages.journal.JournalFileBackend(str(folder / "study.log"))
        storage = optuna.storages.JournalStorage(backend)
    else:
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{folder / 'study.db'}", engine_kwargs={"connect_args": {"timeout": 60}}
        )
    study = optuna.create_study(storage=storage, study_name="s", load_if_exists=True)
    for _ in range(trials // 3 if not study.trials else 0):
        study.enqueue_trial({"x": 0.5})

    def one():
        waiting = study.get_trials(states=(optuna.trial.TrialState.WAITING,))
        if len(study.trials) >= trials and not waiting:
            return None
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        for step in range(EPOCHS):
            trial.report(0.5, step)
            trial.should_prune()
        study.tell(trial, 0.5)
        return trial.number

    return one


def with_locks(folder, trials):
    """The same by edgefer's study folder."""
    recipe = TrainRecipe(epochs=EPOCHS)
    study = StudyFolder(folder, SearchRecipe(recipe, parse_over("dropout", recipe), trials), "")

    def one():
        claim = study.claim()
        if claim is None:
            return None
        for epoch in range(1, EPOCHS + 1):
            study.report(claim, State(epoch=epoch, log=LOG[:epoch]))
        study.finish(claim, 0.5)
        return claim.trial.number

    return one


def work(kind, folder, trials, found):
    """Take trials until there are enough; tell which, and how many failed."""
    warnings.simplefilter("ignore")
    one = with_locks(folder, trials) if kind == "edgefer" else optuna_alone(kind, folder, trials)
    numbers, clashes = [], 0
    while True:
        try:
            number = one()
        except (ValueError, optuna.exceptions.OptunaError):
            clashes += 1
            continue
        if number is None:
            break
        numbers.append(number)
    found.put((numbers, clashes))


@click.command()
@click.option("--workers", default=6, show_default=True)
@click.option("--trials", default=120, show_default=True)
def main(workers, trials):
    """Print a row for each way of keeping a study."""
    spawn = multiprocessing.get_context("spawn")
    print(f"{'':8} {'trials':>6} {'clashes':>7} {'seconds':>8}")
    for kind in ("sqlite", "journal", "edgefer"):
        with tempfile.TemporaryDirectory() as folder:
            start, found = time.monotonic(), spawn.Queue()
            folder = Path(folder) / "study"
            if kind == "edgefer":
                with_locks(folder, trials)
            else:
                folder.mkdir()
                optuna_alone(kind, folder, trials)
            words = (kind, folder, trials, found)
            started = [spawn.Process(target=work, args=words) for _ in range(workers)]
            for worker in started:
                worker.start()
            results = [found.get() for _ in started]
            for worker in started:
                worker.join()
        ran = {number for numbers, _ in results for number in numbers}
        clashes = sum(each for _, each in results)
        print(f"{kind:8} {len(ran):6} {clashes:7} {time.monotonic() - start:8.1f}", flush=True)


if __name__ == "__main__":
    main()
