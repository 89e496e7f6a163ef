"""The commands of the stage."""

import click

from .calib_command import calib
from .export_command import export

COMMANDS: tuple[click.Command, ...] = (calib, export)
