"""Help of a command with many options, in sections."""

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Any], Any]
OTHER = "Other"  # stands last
WIDE = 24  # a name that takes more columns has a line of its own


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
                formatter.write_dl(rows, col_max=WIDE)


def section(title: str, *options: Decorator) -> Decorator:
    """Options of one section, each what `click.option` makes, as one decorator of a function."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
            # Where click keeps the options of what is not a command yet.
            function.__click_params__[-1].section = title
        return function

    return decorate
