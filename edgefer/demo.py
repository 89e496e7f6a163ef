"""The whole journey on drawn faces: every command as one would type it, one after the other."""

import importlib.util
import shlex
import subprocess
import sys
import time
from pathlib import Path

from edgefer.errors import EdgeferError, install

NEEDED = ("tensorflow", "tf_keras", "tensorflow_model_optimization", "ai_edge_litert", "cv2")

STEPS = (
    (
        "Draw faces of two populations; the second shows emotions the first has never seen",
        "data synth -o {out}/base --people 60 --takes 8",
        "data synth -o {out}/korean --population korean --people 60 --takes 8",
    ),
    (
        "Train a network on the first, and carry it over to the second",
        "train base {out}/base -o {out}/base-model --width 16 --epochs 12",
        "train transfer {out}/base-model {out}/korean -o {out}/korean-model --epochs 10",
    ),
    (
        "Choose faces to calibrate with, cut channels, quantize so that no emotion pays",
        "calib {out}/korean -o {out}/calibration --per-emotion 40",
        "export {out}/korean-model --faces {out}/korean --macs 0.8 --epochs 8 --int8 "
        "--calib {out}/calibration --gate 0.03 -o {out}/device",
    ),
    (
        "Let it watch a camera; ask what quantization cost each emotion, on a hundred other people",
        "run {out}/device --camera synth:korean --frames 240 --sink video:{out}/camera.mp4",
        "data synth -o {out}/others --population korean --people 100 --seed 1",
        "data split {out}/others --ratio 0:0:1 -o {out}/judges",
        "compare {out}/device {out}/judges -o {out}/report.html",
    ),
    (
        "Ask what its answers rest on, in action units",
        "explain {out}/device {out}/others --action-units {out}/others/action_units.csv "
        "--split all -o {out}/why.html",
    ),
)

OWN = """
Look at
  {out}/report.html    what quantization cost each emotion
  {out}/why.html       what its answers rest on
  {out}/camera.mp4     the model at work
  {out}/korean-model   the trained bundle, its curves.png
  {out}/device         the bundle for the device

The same with your own data
  edgefer data fer2013 fer2013.csv -o work/fer
  edgefer data folder my-korean-faces/ -o work/all
  edgefer data split work/all --ratio 8:1:1 -o work/korean
  edgefer train base work/fer -o work/base
  edgefer train transfer work/base work/korean -o work/model
  edgefer calib work/korean -o calib_data/korean
  edgefer export work/model --int8 --calib calib_data/korean -o work/device
  edgefer compare work/device work/korean -o report.html   (on the device, too)
  edgefer run work/device --camera 0                       (on the device)"""

# In a folder that holds it everything is the demo's own, and may be replaced.
MARKER = ".edgefer-demo"


def demo(out: Path) -> None:
    """Run every step; what an earlier demo left in the folder is replaced.

    Parameters
    ----------
    out : Path
        Folder for everything that is made.

    Raises
    ------
    EdgeferError
        If a package is missing, the folder holds something else, or a step fails.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise EdgeferError(
            f"the demo trains a network and needs {', '.join(missing)}. Try: {install('all')}."
        )
    again = _claim(out)
    start = time.monotonic()
    for number, (title, *commands) in enumerate(STEPS, 1):
        print(f"\n{number}. {title}", flush=True)
        for command in commands:
            words = shlex.split(command.format(out=shlex.quote(str(out))))
            _run([*words, "--force"] if again else words)
    print(f"\nThe journey took {time.monotonic() - start:.0f} s.")
    print(OWN.format(out=out))


def _claim(out: Path) -> bool:
    """Make the folder the demo's; whether it was before."""
    try:
        if (out / MARKER).exists():
            return True
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise EdgeferError(
                f"{out} exists and is not what an earlier demo made. Choose another name with -o."
            )
        out.mkdir(parents=True, exist_ok=True)
        (out / MARKER).touch()
    except OSError as error:
        raise EdgeferError(f"cannot write to {out}: {error.strerror}.") from error
    return False


def _run(arguments: list[str]) -> None:
    """Show a command, then run it in a process of its own, as a shell would."""
    print(f"\n$ edgefer {shlex.join(arguments)}", flush=True)
    done = subprocess.run([sys.executable, "-m", "edgefer", *arguments], check=False)
    if done.returncode:
        raise EdgeferError(
            f"edgefer {shlex.join(arguments)} ended with status {done.returncode}; what it said is "
            "above."
        )
