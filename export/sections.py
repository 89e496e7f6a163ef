"""Help of a command with many options, in sections."""

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Any], Any]
OTHER = "Other"  # stands last


class Option(click.Option):
    """An option that stands in a section of the help."""

    def __init__(self, *args: Any, section: str = "", **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.section = section


class Command(click.Command):
    """Shows its options section by section, in the order in which they were given."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record and isinstance(param, click.Option):
                sections.setdefault(getattr(param, "section", OTHER), []).append(record)
        if OTHER in sections:
            sections[OTHER] = sections.pop(OTHER)
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)


def section(title: str, *options: tuple[str, dict[str, Any]]) -> Decorator:
    """Options of one section, each its names (``--calib/calibration``) and what click takes."""

    def decorate(function: Any) -> Any:
        for names, rest in reversed(options):
            wanted = click.option(*names.split(), cls=Option, section=title, **rest)
            function = wanted(function)
        return function

    return decorate
