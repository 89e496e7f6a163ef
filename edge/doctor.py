"""Look at what edgefer needs on a machine, and say what to type where it is missing."""

import os
import platform
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import edgefer
from edgefer.errors import install

from .extras import look_at_extras
from .finding import Check, format_checks
from .probe import Printed, installed, probe, remedy
from .proof import look_at_model

HOME = Path(edgefer.__file__).parent
__all__ = ["Check", "examine", "format_checks"]


def examine(bundle: Path | None = None) -> list[Check]:
    """Everything that ``edgefer run`` needs, and what else is good to know.

    A bundle is looked at too, the packaged one if none is named: its hashes, whether each runtime
    here answers its golden patches as it should, and whether its confidence is calibrated. What may
    crash or be slow to import is tried in a process of its own, so that a machine with half of the
    packages, or broken ones, gets its whole list.
    """
    return list(_examine(bundle))


def _examine(bundle: Path | None) -> Iterator[Check]:
    yield _python()
    yield Check("edgefer", "ok", f"{edgefer.__version__} in {HOME}")
    numpy = probe("import numpy; print(json.dumps(numpy.__version__))")
    yield _package("NumPy", numpy, remedy(numpy.error, "numpy", "numpy", "edge"))
    yield from _opencv(probe(OPENCV))
    loads = {name: _load(name, module) for name, module in PACKAGES.items() if find_spec(module)}
    yield from _runtimes(loads)
    yield from look_at_model(bundle, [name for name, answer in loads.items() if not answer.error])
    yield _cameras()
    yield _display()
    yield from look_at_extras()
    yield _tensorflow()


def _python() -> Check:
    return Check("Python", "ok", f"{platform.python_version()} on {platform.platform()}")


OPENCV = """
import cv2
from edgefer.errors import EdgeferError
about = {"version": cv2.__version__, "cascade": "", "video": []}
try:
    from edgefer.detect import load_cascade
    load_cascade()
except EdgeferError as error:
    about["cascade"] = str(error)
from edgefer.edge.cameras.opencv import video_backends
about["video"] = video_backends()
print(json.dumps(about))
"""


def _opencv(found: Printed) -> Iterator[Check]:
    """OpenCV, its cascades, and what it reads video with."""
    if found.error:
        fix = remedy(found.error, "opencv-python", "cv2", "edge")
        if "libGL" in found.error or "libgthread" in found.error:
            fix = "sudo apt install libgl1 libglib2.0-0"
        yield Check("OpenCV", "broken", found.error, fix)
        return
    about = found.value
    yield Check("OpenCV", "ok", about["version"])
    if about["cascade"]:
        yield Check("cascades", "broken", about["cascade"], "pip install 'opencv-python>=4.11,<5'")
    else:
        yield Check("cascades", "ok", "the frontal face cascade is there")
    video = about["video"]
    if "FFMPEG" in video:
        yield Check("video", "ok", f"reads through {', '.join(video)}")
    else:
        yield Check(
            "video",
            "note",
            f"reads through {', '.join(video) or 'nothing'}: no FFMPEG, so no files or addresses",
            remedy("", "opencv-python", "cv2", "edge"),
        )


PACKAGES = {"LiteRT": "ai_edge_litert", "tflite-runtime": "tflite_runtime"}


def _runtimes(answers: dict[str, Printed]) -> Iterator[Check]:
    """LiteRT or tflite-runtime: at least one that loads."""
    if not answers:
        found, fix = "no TFLite runtime is installed", install("edge")
        yield Check("runtime", "broken", found, fix)
    for name, answer in answers.items():
        number = installed("ai-edge-litert" if name == "LiteRT" else name)
        if not answer.error:
            yield Check(name, "ok", number)
        # "auto" takes LiteRT wherever it is installed, so that one has to work.
        elif name == "LiteRT" or "LiteRT" not in answers:
            litert = remedy(answer.error, "ai-edge-litert", "ai_edge_litert", "edge")
            fix = litert if name == "LiteRT" else install("edge")
            yield Check(name, "broken", f"{number} {answer.error}", fix)
        else:
            yield Check(name, "note", f"{number} {answer.error}; LiteRT is used")


def _load(name: str, module: str) -> Printed:
    """Import a runtime."""
    numpy = installed("numpy")
    # The import would succeed, and the first model fail.
    if name == "tflite-runtime" and numpy and int(numpy.split(".")[0]) >= 2:
        return Printed(error=f"is built for NumPy 1, and NumPy {numpy} is installed")
    answer = probe(f"from {module}.interpreter import Interpreter; print(json.dumps(1))")
    return replace(answer, error=f"does not load: {answer.error}") if answer.error else answer


def _cameras() -> Check:
    there = sorted(Path("/dev").glob("video*"), key=lambda path: (len(path.name), path.name))
    named = [f"{path}{_camera_name(path)}" for path in there]
    if find_spec("picamera2"):
        named.append("picamera2")
    if there and not any(os.access(path, os.R_OK | os.W_OK) for path in there):
        fix = "sudo usermod -aG video $USER, then log in again"
        return Check("cameras", "note", f"{', '.join(named)}: not for this user", fix)
    if named:
        return Check("cameras", "ok", ", ".join(named))
    board = Path("/proc/device-tree/model")
    if board.is_file() and "Raspberry Pi" in board.read_text(encoding="utf-8", errors="replace"):
        fix = "sudo apt install python3-picamera2; python3 -m venv --system-site-packages .venv"
    else:
        fix = "edgefer run --camera synth, or --camera FILE"
    return Check("cameras", "note", "none found", fix)


def _camera_name(device: Path) -> str:
    about = Path("/sys/class/video4linux") / device.name / "name"
    return f" ({about.read_text(encoding='utf-8').strip()})" if about.is_file() else ""


DISPLAY = """
from edgefer.edge.sinks.window import display_problem
print(json.dumps(display_problem()))
"""


def _display() -> Check:
    answer = probe(DISPLAY)
    problem = answer.error or answer.value
    if problem:
        return Check("display", "note", f"--sink window does not work: {problem}")
    return Check("display", "ok", "--sink window works")


GPUS = """
from edgefer.keras import tf
print(json.dumps([gpu.name for gpu in tf.config.list_physical_devices("GPU")]))
"""


def _tensorflow() -> Check:
    number = installed("tensorflow") or installed("tensorflow-cpu")
    if not number:
        return Check("TensorFlow", "note", "not installed; only training and export need it")
    answer = probe(GPUS)
    if answer.error:
        fix = remedy(answer.error, "tensorflow", "tensorflow", "train")
        return Check("TensorFlow", "note", f"{number} does not load: {answer.error}", fix)
    gpus = ", ".join(answer.value)
    if gpus:
        return Check("TensorFlow", "ok", f"{number} with {gpus}")
    if Path("/proc/driver/nvidia/version").exists():
        fix = install("gpu")
        return Check("TensorFlow", "note", f"{number} does not see this machine's GPU", fix)
    return Check("TensorFlow", "ok", f"{number}, no GPU")


def _package(name: str, answer: Printed, fix: str) -> Check:
    if answer.error:
        return Check(name, "broken", answer.error, fix)
    return Check(name, "ok", answer.value)
