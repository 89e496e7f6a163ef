"""Try exported models on the runtimes that will run them, and tell whether they compute rightly.

That a model loads proves nothing: one whose operators said version 1 loaded in tflite-runtime 2.14
and named 15 % of the faces rightly where it should have named 92 %.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import OpResolverType

import edgefer
from edgefer.errors import BundleError, EdgeferError
from edgefer.runtimes import Runtimes

from . import ask
from .check import answers
from .verdict import Answer, trials_of

VARIABLE = "EDGEFER_TFLITE_PYTHON"
# More faces would not change a verdict, and kernels without XNNPACK take 12 ms for one (float).
MOST = 500


def try_runtimes(
    models: Mapping[str, bytes],
    patches: np.ndarray,
    targets: np.ndarray | None = None,
    *,
    tflite_python: Path | None = None,
    timeout: float = 600,
) -> Runtimes:
    """Run models on LiteRT, on LiteRT without delegates and on tflite-runtime, and compare.

    Float answers are compared with LiteRT's; those of another role with the runtime on which it
    agrees most with them.

    Parameters
    ----------
    models : mapping of str to bytes
        TFLite files by role; ``float`` among them is what the others are compared with.
    patches : ndarray of uint8, shape (N, S, S)
        Faces; of more than `MOST` as many, spread evenly, are asked about.
    targets : ndarray of int, shape (N,), optional
        Their emotions, as the models count them; accuracy is measured with them.
    tflite_python : Path, optional
        A Python that has tflite-runtime; it is not tried without.
    timeout : float
        Seconds that tflite-runtime may take for one model.

    Returns
    -------
    Runtimes
        A trial for every role and runtime; it passed, or says why not, or that it was not tried.
    """
    if len(patches) > MOST:
        chosen = np.linspace(0, len(patches) - 1, MOST).astype(int)
        patches, targets = patches[chosen], None if targets is None else targets[chosen]
    runtimes: dict[str, Callable[[bytes], Answer]] = {
        "litert": lambda model: _litert(model, patches),
        "builtin": lambda model: _litert(
            model, patches, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        ),
        "tflite-runtime": lambda model: _tflite_runtime(model, patches, tflite_python, timeout),
    }
    said = {
        role: {name: run(model) for name, run in runtimes.items()} for role, model in models.items()
    }
    floats = _first(said.get("float", {}))
    return Runtimes({role: trials_of(role, given, floats, targets) for role, given in said.items()})


def find_tflite_python(named: Path | None = None) -> Path | None:
    """The Python of an environment with tflite-runtime, or None.

    It is the one that is named, else what ``EDGEFER_TFLITE_PYTHON`` names, else
    ``.venv-tflite/bin/python`` in the checkout or beside the environment of this Python.

    Raises
    ------
    EdgeferError
        If what is named is no file, or none that can be run.
    """
    asked = os.environ.get(VARIABLE, "")
    for python, where in ((named, "--tflite-python"), (asked and Path(asked), VARIABLE)):
        if not python:
            continue
        if not python.is_file() or not os.access(python, os.X_OK):
            wrong = "which cannot be run" if python.is_file() else "and no such file is there"
            raise EdgeferError(
                f"{where} is {str(python)!r}, {wrong}. Name the python of an environment with "
                "tflite-runtime, or leave it out."
            )
        return python
    for home in (Path(edgefer.__file__).resolve().parents[1], Path(sys.prefix).parent):
        python = home / ".venv-tflite" / "bin" / "python"
        if python.is_file():
            return python
    return None


def _litert(
    model: bytes, patches: np.ndarray, kernels: OpResolverType = OpResolverType.AUTO
) -> Answer:
    number = version("ai-edge-litert")
    try:
        return Answer(number, answers(model, patches, kernels))
    except BundleError as error:
        return Answer(number, reason=str(error))


def _tflite_runtime(
    model: bytes, patches: np.ndarray, python: Path | None, timeout: float
) -> Answer:
    """Ask in a process of its own; it may crash, hang or print anything."""
    if python is None:
        return Answer(reason="no Python with it is here: see --tflite-python", tried=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(model)
        np.save(folder / "patches.npy", patches)
        files = [str(folder / file) for file in ("model.tflite", "patches.npy", "answers.npy")]
        # Files, not pipes: what a hung child started may hold a pipe open for ever.
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            try:
                done = subprocess.run(
                    [str(python), "-I", ask.__file__, *files],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    timeout=timeout,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                return Answer(reason=f"it gave no answer within {timeout:g} seconds")
            except OSError as error:
                reason = f"not tried: {python} cannot be run: {error.strerror}"
                return Answer(reason=reason, tried=False)
        told = _told(folder / "out")
        if "missing" in told:
            reason = f"not tried with {python}: {_line(str(told['missing']))}"
            return Answer(reason=reason, tried=False)
        number = str(told.get("version", ""))
        if done < 0:
            return Answer(number, reason=f"it crashes (signal {-done})")
        if done:
            last = (folder / "err").read_text(encoding="utf-8", errors="replace").strip()
            said = _line(last.splitlines()[-1] if last else f"exit status {done}, nothing said")
            return Answer(number, reason=f"it cannot run the model: {said}")
        return _read(folder / "answers.npy", number, len(patches))


def _told(path: Path) -> dict[str, Any]:
    """What the child printed first; nothing if that is no object of JSON."""
    try:
        first = path.read_bytes()[:4096].split(b"\n")[0]
        told = json.loads(first)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _read(path: Path, number: str, count: int) -> Answer:
    """The probabilities that the child wrote."""
    try:
        given = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        return Answer(number, reason=f"it wrote no answers: {_line(str(error))}")
    if given.ndim != 2 or len(given) != count or given.dtype.kind != "f":
        found = f"{given.dtype} {given.shape}"
        return Answer(number, reason=f"it answers {found}, expected float32 ({count}, K)")
    return Answer(number, given)


def _first(given: Mapping[str, Answer]) -> np.ndarray | None:
    """Probabilities of the first runtime that gave any."""
    whole = (answer.probabilities for answer in given.values())
    return next((one for one in whole if one is not None), None)


def _line(text: str) -> str:
    """Somebody else's words on one line, not too many."""
    return " ".join(text.split())[:300].rstrip(".")
