"""Options that several commands share."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)
out_option = click.option("-o", "--out", type=PATH, required=True, help="What to write.")
force_option = click.option("--force", is_flag=True, help="Replace what is there.")
seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Start of every random choice.",
)
size_option = click.option(
    "--size",
    type=click.IntRange(16, 512),
    default=48,
    show_default=True,
    help="Side of the patches, in pixels.",
)
map_option = click.option(
    "--map",
    "renames",
    metavar="OLD=NEW,...",
    default="",
    help="Rename emotions; nothing after = leaves one out.",
)
resume_option = click.option("--resume", is_flag=True, help="Go on with an interrupted training.")
strategy_option = click.option(
    "--strategy",
    type=click.Choice(["auto", "mirrored", "multiworker"]),
    default="auto",
    show_default=True,
    help="All GPUs of this machine, or all machines of TF_CONFIG; auto takes what there is.",
)
tensorboard_option = click.option(
    "--tensorboard", type=PATH, help="Folder for TensorBoard, in which the epochs are shown."
)
