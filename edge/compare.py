"""Judge the same faces with a bundle's float and int8 model, and say what quantization cost."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.progress import track

from edgefer.bundle import Bundle, versions
from edgefer.errors import BackendError, DataError, GateError, install
from edgefer.faceset import FaceSet
from edgefer.labels import Labels, translate
from edgefer.report import Comparison, Latency
from edgefer.report.drop import MARGIN, OPEN
from edgefer.report.words import points

from .classifier import Classifier
from .leaks import find_leaks
from .machine import machine, runtime

Model = Callable[[np.ndarray], np.ndarray]

ROLES = ("float", "int8")
STEP = 512
# Latency: blocks of calls, the models in turn, until so many calls or so many seconds.
BLOCK, CALLS, SECONDS = 10, 200, 10.0


def compare(
    bundle: Bundle,
    faces: FaceSet,
    *,
    split: str = "test",
    renames: Mapping[str, str] | None = None,
    backend: str = "auto",
    threads: int = 1,
    margin: float = MARGIN,
) -> Comparison:
    """What quantization cost each emotion, measured on this machine's runtime.

    Parameters
    ----------
    bundle : Bundle
        With a float and an int8 model.
    faces : FaceSet
        The whole face set: its train split is searched for faces that are also judged.
    split : str
        Which of its faces to judge; ``all`` for every one.
    renames : mapping of str to str, optional
        Emotions of the face set that go under another name in the bundle; an empty name leaves one
        out. Needed for those that the bundle does not know.
    backend : str
        ``auto``, or a runtime's name, as for `Classifier`.
    threads : int
        How many the runtime may use.
    margin : float
        A drop, 0..1, that would not matter.

    Returns
    -------
    Comparison
        Answers that name an emotion the face set lacks count as wrong.

    Raises
    ------
    DataError
        If the split is missing, the patches have another size, labels are not translated, or the
        face set was changed since it was written.
    BundleError
        If one of the models is missing or was changed.
    BackendError
        If the runtime cannot run them, or they answer with what is no number.
    """
    if split not in ("all", *faces.split_names) and any(faces.split_names):
        known = ", ".join(name for name in faces.split_names if name)
        raise DataError(
            f"{faces.folder} has no split {split!r}; it has: {known}. Name one of them with "
            "--split, or all."
        )
    chosen = faces if split == "all" else faces.split(split)
    judged = speak(chosen, bundle, renames or {}, split)
    if judged.size != bundle.size:
        raise DataError(
            f"{faces.folder} holds patches of {judged.size} pixels, {bundle.folder} takes "
            f"{bundle.size}. Import the faces again with --size {bundle.size}."
        )
    faces.verify()
    models = {role: Classifier(bundle, role, backend=backend, threads=threads) for role in ROLES}
    before, after, ties = _answers(models, judged)
    leaks = find_leaks(bundle, faces, judged, split)
    latency = _latency(models, judged)
    left_out = len(chosen) - len(judged)
    command = ["--split", split]
    command += ["--map", ",".join(f"{a}={b}" for a, b in renames.items())] if renames else []
    command += ["--backend", backend, "--threads", str(threads), "--margin", f"{margin:g}"]
    return Comparison.of(
        bundle.labels,
        judged.targets,
        before,
        after,
        bundle=bundle.name,
        faceset=faces.folder.resolve().name,
        margin=margin,
        persons=judged.persons,
        seen=leaks.seen,
        sizes={role: len(bundle.read(role)) for role in ROLES},
        latency=latency,
        about={
            "split": split,
            "source": faces.source,
            "licence": faces.licence,
            "translation": {"renames": dict(renames or {}), "faces_left_out": left_out},
            "leaks": leaks.to_json(),
            "int8_ties": ties,
            "runtime": runtime(backend),
            "threads": threads,
            "machine": machine(),
            "bundle_digest": bundle.digest,
            "faceset_digest": faces.digest,
            "history": [asdict(step) for step in bundle.history],
            "versions": versions("numpy"),
            "when": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "command": _typed(bundle, faces, *command),
        },
        warnings=(
            *leaks.warnings,
            *_label_warnings(judged, bundle.labels, before, after, left_out),
            *_speed_warnings(latency, runtime(backend)),
        ),
    )


def speak(faces: FaceSet, bundle: Bundle, renames: Mapping[str, str], split: str) -> FaceSet:
    """Faces under the bundle's labels.

    Raises
    ------
    DataError
        If the bundle lacks an emotion that stands neither in its labels nor in ``renames``, or
        nothing is left.
    """
    unknown = [e for e in faces.labels.names if e not in bundle.labels and e not in renames]
    if unknown:
        words = [*(f"{old}={new}" for old, new in renames.items()), *(f"{e}=" for e in unknown)]
        command = _typed(bundle, faces, "--split", split, "--map", ",".join(words))
        raise DataError(
            f"{faces.folder} has {', '.join(unknown)}, which {bundle.folder} does not know; it "
            f"knows {', '.join(bundle.labels.names)}. Name what each is read as, or leave it out: "
            f"{command}"
        )
    kept = faces.relabel(bundle.labels, translate(faces.labels, bundle.labels, renames))
    if not len(kept):
        raise DataError(
            f"no face of {faces.folder} is left to judge: --map leaves out every emotion it has."
        )
    return kept


def _typed(bundle: Bundle, faces: FaceSet, *options: str) -> str:
    """The command to type for a comparison."""
    return f"edgefer compare {bundle.typed} {shlex.join([str(faces.folder), *options])}"


def gate(comparison: Comparison, limit: float | None) -> None:
    """Raise if the overall drop or an emotion's is above a limit, 0..1; None lets all pass.

    Raises
    ------
    GateError
        Names each row that is above it.
    """
    rows = [] if limit is None else comparison.above(limit)
    if limit is not None and rows:
        named = ", ".join(
            f"{row.emotion} {points(row.drop)} ({row.support:,} faces"
            f"{f', {row.verdict}' if row.verdict in OPEN else ''})"
            for row in rows
        )
        raise GateError(f"the drop is above {100 * limit:g} points: {named}.")


def _answers(models: Mapping[str, Model], faces: FaceSet) -> tuple[np.ndarray, np.ndarray, int]:
    """Class ids (N,) that each model answers, and how often the two best int8 answers tie."""
    found: dict[str, list[np.ndarray]] = {role: [] for role in models}
    ties = 0
    console = Console(stderr=True)
    starts = range(0, len(faces), STEP)
    for start in track(
        starts, "judging faces", console=console, transient=True, disable=not console.is_terminal
    ):
        patches = faces.take(np.arange(start, min(start + STEP, len(faces))))
        for role, model in models.items():
            shares = model(patches)
            if not np.isfinite(shares).all():
                raise BackendError(f"the {role} model answers with no numbers. Export it again.")
            found[role].append(shares.argmax(axis=1))
            if role == "int8":
                ties += int((np.ptp(np.sort(shares, axis=1)[:, -2:], axis=1) == 0).sum())
    before, after = (np.concatenate(found[role]) for role in ROLES)
    return before, after, ties


def _latency(models: Mapping[str, Model], faces: FaceSet) -> dict[str, Latency]:
    """Time for one face, both models in turn, so that a busy moment meets both."""
    patches = faces.take(np.linspace(0, len(faces) - 1, BLOCK).astype(int))
    seconds: dict[str, list[float]] = {role: [] for role in models}
    start = perf_counter()
    while len(seconds["int8"]) < CALLS and (
        not seconds["int8"] or perf_counter() - start < SECONDS
    ):
        for role, model in models.items():
            # The first call after the other model's finds cold caches: it is not counted.
            model(patches[:1])
            for patch in patches:
                began = perf_counter()
                model(patch[None])
                seconds[role].append(perf_counter() - began)
    return {role: Latency.of(each) for role, each in seconds.items()}


def _label_warnings(
    faces: FaceSet, labels: Labels, before: np.ndarray, after: np.ndarray, left_out: int
) -> list[str]:
    """What a reader must know about emotions that are missing on one side."""
    said = []
    counts = np.bincount(faces.targets, minlength=len(labels))
    absent = [labels.names[i] for i in np.flatnonzero(counts == 0)]
    if absent:
        wrong = int(np.isin(after, np.flatnonzero(counts == 0)).sum())
        said.append(
            f"no judged face shows {', '.join(absent)}: they have no row, and the {wrong:,} int8 "
            "answers that name them count as wrong."
        )
    if left_out:
        said.append(f"{left_out:,} faces of the split were left out by --map.")
    was, is_now = (np.bincount(part, minlength=len(labels)) for part in (before, after))
    silent = [
        f"{labels.names[i]} (float: {was[i]:,} times)"
        for i in np.flatnonzero((is_now == 0) & (was >= max(5, len(faces) // 1000)))
    ]
    if silent:
        said.append(f"the int8 model never answers {', '.join(silent)}.")
    return said


def _speed_warnings(latency: Mapping[str, Latency], name: str) -> list[str]:
    """What a reader must know where int8 buys no speed."""
    was, is_now = latency["float"].median, latency["int8"].median
    if is_now <= was:
        return []
    hint = f" LiteRT is faster at int8: {install('edge')}." if "tflite-" in name else ""
    return [f"int8 takes longer than float here: {is_now:.2f} against {was:.2f} ms a face.{hint}"]
