"""Help in sections: which options stand where, and in what order."""

import json

import click
import pytest
from click.testing import CliRunner

from edgefer.sections import OTHER, WIDE, Command, section

shared = click.option("--threads", metavar="N", help="How many.")


@click.command(cls=Command)
@section(OTHER, click.option("--force", is_flag=True, help="Replace."))
@section("Camera", click.option("--camera", help="From where."), click.option("--loop", help="On."))
@section("Model", shared)
@click.option("--bare", help="In no section.")
@section("Camera", click.option("--stall", help="How long."))
@section("Empty")
def parted(**values):
    """Has sections."""
    click.echo(json.dumps(values))


@click.command()
@shared
def plain(**values):
    """Has none."""


def help_of(command) -> str:
    return CliRunner().invoke(command, ["--help"]).stdout


def test_options_stand_in_their_sections_in_the_order_given_and_the_rest_last():
    words = help_of(parted).split("Has sections.")[1].split()
    found = [word for word in words if word.startswith("--") or word.endswith(":")]
    camera = ["Camera:", "--camera", "--loop", "--stall"]
    rest = ["Other:", "--force", "--bare", "--help"]
    assert found == [*camera, "Model:", "--threads", *rest]


def test_an_option_that_two_commands_share_has_a_section_where_it_was_given_one():
    assert "Model:\n  --threads N  How many." in help_of(parted)
    assert "Options:\n  --threads N  How many." in help_of(plain)


def test_they_are_options_as_any():
    done = CliRunner().invoke(parted, ["--camera", "0", "--stall", "5", "--force"])
    told = {"camera": "0", "stall": "5", "force": True}
    expected = dict.fromkeys(("loop", "threads", "bare")) | told
    assert json.loads(done.stdout) == expected


@pytest.mark.parametrize("extra", [0, 1])
def test_a_name_that_is_wide_has_a_line_of_its_own(extra):
    metavar = "X" * (WIDE - len("--a ") + extra)

    @click.command(cls=Command)
    @section("Wide", click.option("--a", metavar=metavar, help="First."))
    def wide(a):
        """Has a wide one."""

    line = next(line for line in help_of(wide).splitlines() if metavar in line)
    assert line.endswith("First.") == (not extra)
