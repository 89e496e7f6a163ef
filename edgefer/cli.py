"""The door: collects the stages' commands and turns errors into one line."""

import errno
import os
import sys
from pathlib import Path
from typing import Any

import click

from edgefer import __version__
from edgefer.bundle_commands import bundle
from edgefer.edge.commands import COMMANDS as EDGE
from edgefer.errors import EdgeferError, GateError, install
from edgefer.export.commands import COMMANDS as EXPORT
from edgefer.train.commands import COMMANDS as TRAIN

# Which extra brings a package, where the import's name tells it.
EXTRAS = {
    "ai_edge_litert": "edge",
    "cleanlab": "train",
    "cryptography": "signing",
    "cv2": "edge",
    "distributed": "cluster",
    "imagehash": "train",
    "jinja2": "edge",
    "joblib": "train",
    "matplotlib": "train",
    "mediapipe": "mediapipe",
    "numpy": "edge",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "optuna": "train",
    "PIL": "train",
    "sklearn": "train",
    "tensorboard": "tensorboard",
    "tensorflow": "train",
    "tensorflow_model_optimization": "train",
    "tf2onnx": "onnx",
    "tf_keras": "train",
}


class _Group(click.Group):
    """Shows the commands in the order of the work, not of the alphabet; Ctrl-C ends it silently."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(130)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgefer")
def edgefer() -> None:
    """Facial expression recognition, from training to a Raspberry Pi.

    Train on FER2013, adapt to Korean faces, quantize to int8, run on a camera, and see emotion by
    emotion what quantization cost.

    \b
    edgefer demo                          the whole journey in five minutes, nothing needed
    edgefer run --camera 0                what the packaged model sees
    edgefer COMMAND --help                every option of a command
    """


@click.command()
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("work/demo"),
    show_default=True,
    help="Folder for what it makes.",
)
def demo(out: Path) -> None:
    """Take the whole journey on drawn faces; nothing is downloaded."""
    from edgefer.demo import demo as take

    take(out)


for _command in (demo, *TRAIN, *EXPORT, bundle, *EDGE):
    edgefer.add_command(_command)


def main() -> None:
    """Run the command line.

    The exit status is 0, 1 (a named error), 2 (usage), 3 (a gate) or 130 (Ctrl-C).
    """
    try:
        edgefer()
    except GateError as error:
        _stop(str(error), 3)
    except EdgeferError as error:
        _stop(str(error), 1)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        _stop(f"{error.name} is not installed. Try: {install(EXTRAS[error.name])}", 1)
    except ImportError as error:
        if "libGL" not in str(error):
            raise
        _stop("OpenCV needs libGL, which is not here. Try: sudo apt install libgl1", 1)
    except OSError as error:
        if not _is_full(error):
            raise
        # What is still to be printed would fail once more, at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _stop(f"{error.strerror}: the output, or the disk, is full. Make room.", 1)


def _is_full(error: OSError) -> bool:
    """Whether what is written to is full; what has a name is said by whoever writes it."""
    return error.errno == errno.ENOSPC and error.filename is None


def _stop(message: str, status: int) -> None:
    print(f"Error: {message}", file=sys.stderr)
    sys.exit(status)
