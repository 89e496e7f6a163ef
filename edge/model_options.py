"""Which runtime runs a bundle's models, and whose bundles: options of ``run`` and ``compare``."""

import os
from pathlib import Path
from typing import TypeVar

import click

T = TypeVar("T")


def spare_cores(context: click.Context, option: click.Parameter, threads: T) -> T:
    """Let NumPy's products of patches use one thread; it reads that when it is imported, later."""
    # OpenBLAS starts a thread a core, and they wait for one another by spinning: where another
    # program is busy, a patch of a face of 260 pixels took 10 ms of processor time, with one .2.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    return threads


backend_option = click.option(
    "--backend",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="Runtime: litert, tflite-runtime, builtin (LiteRT without delegates), or your own.",
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    callback=spare_cores,
    metavar="N",
    help="Threads that detector and model may use.",
)
trusted_keys_option = click.option(
    "--trusted-key",
    "trusted_keys",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Take only a bundle that this public key signed (edgefer bundle sign). Give it several "
    "times for one of several.",
)
