"""Which runtime runs a bundle's models, and whose bundles: options of ``run`` and ``compare``."""

from pathlib import Path

import click

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
