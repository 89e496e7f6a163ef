"""Search for a recipe: short trainings, each chosen by how the earlier ones went."""

import multiprocessing
import os
import signal
from contextlib import redirect_stderr
from dataclasses import asdict, replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import optuna

from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.keras import keras, tf
from edgefer.progress import console, say

from .base import build_network, halves, spelled_out
from .checkpoints import Checkpoints, State
from .fit import fit
from .search_result import SearchResult, chosen, tried
from .space import SearchRecipe
from .study_folder import Claim, StudyFolder


def search(faces: FaceSet, recipe: SearchRecipe, out: Path, *, workers: int = 1) -> SearchResult:
    """Train with different choices and find which validate best.

    A killed search goes on where it was when it is called again; called again while it runs, it
    takes part. With one worker the same seed makes the same study.

    Parameters
    ----------
    faces : FaceSet
        Its split ``train`` is learned from; its split ``val`` judges every epoch.
    recipe : SearchRecipe
        What is fixed, what is searched, and how many trials there are.
    out : Path
        The study's folder.
    workers : int
        Processes that train at the same time and share this machine's cores.

    Returns
    -------
    SearchResult
        Every trial so far, and what the choices are worth.

    Raises
    ------
    DataError
        If the faces cannot be learned from, or have no votes to search the share of.
    EdgeferError
        If ``out`` holds another search.
    """
    if workers > 1:  # TensorFlow reads it when it first computes; the helpers inherit it
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, _cores() // workers)))
    halves(faces)
    if "votes" in recipe.over and not faces.votes.any():
        raise DataError(f"{faces.folder} has no votes: searching over them would change nothing.")
    for end in (0, -1):  # a network that cannot be built shows before the first trial
        extreme = recipe.recipe({name: each.ends[end] for name, each in recipe.over.items()})
        build_network(extreme, len(faces.labels), faces.size)
        keras.backend.clear_session()
    # What the network leaves open is searched from its own choice on.
    recipe = replace(recipe, fixed=spelled_out(recipe.fixed))
    study = StudyFolder(out, recipe, faces.digest)
    helpers = [_helper(faces, recipe, out) for _ in range(workers - 1)]
    try:
        work(faces, study, shown=workers == 1)
        for helper in helpers:
            helper.join()
        work(faces, study)  # what a helper left when it died
    except KeyboardInterrupt:
        say(f"stopped; what was done lies in {out}: the same command goes on")
        raise
    finally:
        for helper in helpers:  # none is left, unless this process failed or was stopped
            helper.terminate()
    return SearchResult.of(faces, recipe, study)


def work(faces: FaceSet, study: StudyFolder, *, shown: bool = False) -> None:
    """Train trial after trial until all are done or in others' work."""
    while (claim := study.claim()) is not None:
        with claim.lock:
            _train(faces, study, claim, shown=shown)


def _train(faces: FaceSet, study: StudyFolder, claim: Claim, *, shown: bool) -> None:
    """Train one trial, or what is left of it, and say what came of it."""
    kept = Checkpoints(claim.folder, {"recipe": asdict(claim.recipe)}, resume=True, force=False)
    name, terminal = f"trial {claim.trial.number}", console()
    terminal.file = terminal.file  # standard error as it is now, not the log below
    status = terminal.status(name)

    def report(state: State) -> None:
        status.update(
            f"{name}  epoch {state.epoch}/{claim.recipe.epochs}  best {state.best_accuracy:.3f}"
        )
        study.report(claim, state)
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            raise SystemExit  # nobody would stop this process otherwise

    say(f"{name}  {chosen(study.recipe, claim.recipe)}")
    try:
        if shown:
            status.start()
        with (claim.folder / "log.txt").open("a", encoding="utf-8") as log, redirect_stderr(log):
            train, val = faces.split("train"), faces.split("val")
            model = build_network(claim.recipe, len(faces.labels), faces.size)
            _, state = fit(model, train, val, claim.recipe, kept, report=report)
        study.report(claim, state)  # a worker may have died between keeping an epoch and telling it
        study.finish(claim, state.best_accuracy)
    except optuna.TrialPruned:
        study.finish(claim, None)
    except tf.errors.ResourceExhaustedError:
        study.finish(claim, None, failed="out of memory")
    finally:
        status.stop()
        keras.backend.clear_session()
    kept.clear()
    say(f"{name}  {tried(study.trials()[claim.trial.number])}")


def _helper(faces: FaceSet, recipe: SearchRecipe, out: Path) -> BaseProcess:
    """Start one more process that works on the study."""
    # Spawned: a fork would share TensorFlow's threads and SQLite's file.
    context = multiprocessing.get_context("spawn")
    helper = context.Process(target=_help, args=(faces.folder, recipe, out))
    helper.start()
    return helper


def _help(folder: Path, recipe: SearchRecipe, out: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends this one
    faces = FaceSet.load(folder)
    work(faces, StudyFolder(out, recipe, faces.digest))


def _cores() -> int:
    return len(os.sched_getaffinity(0))
