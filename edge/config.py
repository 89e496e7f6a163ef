"""Options of a command from a file and from the environment, and where each value came from."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from edgefer.errors import meant
from edgefer.sections import Command, section

from .secrets import hide_secrets

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PREFIX = "EDGEFER_"
FILE = "edgefer.config.file"


class Configured(Command):
    """A command whose options may also stand in a TOML file and in the environment.

    It has the options of `config_options`, and ``--json``.

    Flags go before ``EDGEFER_*``, these before the file, and that before the defaults. A key of the
    file is an option's long name or an argument's, a variable the same in capitals: ``--min-face``
    is ``min-face`` and ``EDGEFER_MIN_FACE``. The command itself knows nothing of it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for param in _configurable(self):
            param.envvar = param.envvar or variable(param)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for line in _mistyped(self):
            click.echo(line, err=True)
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as error:
            param = error.param
            if param is not None and _source(ctx, param) is ParameterSource.ENVIRONMENT:
                error.param_hint = f"the environment's {variable(param)}"
            raise

    def invoke(self, ctx: click.Context) -> Any:
        if ctx.meta.get("edgefer.config.print"):
            click.echo(to_json(ctx) if ctx.params.get("as_json") else to_toml(ctx))
            return None
        return super().invoke(ctx)


def key(param: click.Parameter) -> str:
    """What an option or argument is called in a file."""
    if isinstance(param, click.Argument):
        return str(param.name)
    return max(param.opts, key=len).lstrip("-")


def variable(param: click.Parameter) -> str:
    """What an option or argument is called in the environment."""
    return PREFIX + key(param).replace("-", "_").upper()


def read(path: Path, ctx: click.Context) -> dict[str, Any]:
    """Values of a file by the names of a command's parameters, each checked.

    Raises
    ------
    click.UsageError
        If the file is not TOML, or holds a key that is not known or a value of another type; it
        names the file and the key.
    """
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path} is not TOML: {error}.", ctx) from error
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}.", ctx) from error
    known = {key(param): param for param in _configurable(ctx.command)}
    found = {}
    for name, value in held.items():
        if name not in known:
            raise click.UsageError(f"{path}: {_unknown(name, value, list(known))}", ctx)
        try:
            found[str(known[name].name)] = _checked(known[name], value, ctx)
        except click.BadParameter as error:
            raise click.UsageError(f"{path}: {name}: {error.message}", ctx) from error
    return found


def to_toml(ctx: click.Context) -> str:
    """Every option of a parsed command as a line of a file, and where its value came from."""
    lines = []
    for param in _configurable(ctx.command):
        value, name = ctx.params[str(param.name)], key(param)
        line = f"{name} = {_shown(value)}" if value not in (None, ()) else f"{name} is not set"
        # What a password was taken out of is no value any more.
        if line != f"{name} = {_toml(value)}":
            line = f"# {line}"
        lines.append((line, _origin(ctx, param)))
    width = min(max(len(line) for line, _ in lines), 60)
    return "\n".join(f"{line:{width}}  # {origin}" for line, origin in lines)


def to_json(ctx: click.Context) -> str:
    """The same as one JSON object: ``{"threads": {"value": 1, "origin": "default"}, ...}``."""
    about = {
        key(param): {
            "value": _hidden(ctx.params[str(param.name)]),
            "origin": _origin(ctx, param),
        }
        for param in _configurable(ctx.command)
    }
    return json.dumps(about, ensure_ascii=False, indent=2)


def _load(ctx: click.Context, _: click.Parameter, path: Path | None) -> None:
    """Make a file's values the defaults of this call."""
    if path is not None:
        ctx.default_map = {**(ctx.default_map or {}), **read(path, ctx)}
        ctx.meta[FILE] = path


def _ask(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    ctx.meta["edgefer.config.print"] = wanted


config_options = section(
    "Configuration",
    click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        envvar=f"{PREFIX}CONFIG",
        is_eager=True,  # before the options that it holds
        expose_value=False,
        callback=_load,
        help="Take options from a TOML file: min-face = 80. EDGEFER_MIN_FACE=80 in the "
        "environment goes before it, --min-face 80 before both.",
    ),
    click.option(
        "--print-config",
        is_flag=True,
        expose_value=False,
        callback=_ask,
        help="Print every option's value and where it came from, as such a file (with --json as "
        "JSON), and end.",
    ),
)


def _configurable(command: click.Command) -> list[click.Parameter]:
    return [param for param in command.params if param.expose_value]


def _mistyped(command: click.Command) -> Iterator[str]:
    """What to say about variables that are nearly an option's; others may be somebody else's."""
    known = [variable(param) for param in _configurable(command)]
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known and (said := meant(name, known, 0.85)):
            yield f"{name} is not read. {said}"


def _unknown(name: str, value: object, known: list[str]) -> str:
    """What to say about a key that no option has."""
    if isinstance(value, dict):
        return f"[{name}] is a table, and options stand at the top: {', '.join(known)}."
    said = meant(name.replace("_", "-"), known) or f"There are {', '.join(known)}."
    return f"there is no option {name!r}. {said}"


def _checked(param: click.Parameter, value: Any, ctx: click.Context) -> Any:
    """A value if it has the option's type and range; a list where the option may be repeated."""
    if param.multiple:
        values = value if isinstance(value, list) else [value]
        return [_checked_one(param, each, ctx) for each in values]
    return _checked_one(param, value, ctx)


def _checked_one(param: click.Parameter, value: Any, ctx: click.Context) -> Any:
    kinds, wanted = _wanted(param)
    # True is an int to Python, and nobody's number of threads.
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise click.BadParameter(f"expected {wanted}, found {_shown(value)}.")
    # A camera's number is text to us, and a number to whoever writes the file.
    given = str(value) if str in kinds else value
    param.type(given, param, ctx)
    return given


def _wanted(param: click.Parameter) -> tuple[tuple[type, ...], str]:
    """Types of TOML that an option takes, and what they are called."""
    if isinstance(param.type, click.types.BoolParamType):
        return (bool,), "true or false"
    if isinstance(param.type, click.types.IntParamType):
        return (int,), "a whole number"
    if isinstance(param.type, click.types.FloatParamType):
        return (int, float), "a number"
    if isinstance(param.type, click.types.StringParamType):
        return (str, int), "text in quotes"
    return (str,), "text in quotes"


def _origin(ctx: click.Context, param: click.Parameter) -> str:
    return {
        ParameterSource.COMMANDLINE: "command line",
        ParameterSource.ENVIRONMENT: variable(param),
        ParameterSource.DEFAULT_MAP: str(ctx.meta.get(FILE, "")),
    }.get(_source(ctx, param) or ParameterSource.DEFAULT, "default")


def _source(ctx: click.Context, param: click.Parameter) -> ParameterSource | None:
    return ctx.get_parameter_source(str(param.name))


def _shown(value: Any) -> str:
    """A value as a file has it, without passwords."""
    return _toml(_hidden(value))


def _hidden(value: Any) -> Any:
    """A value, text of it without passwords."""
    if isinstance(value, (list, tuple)):
        return [_hidden(each) for each in value]
    return hide_secrets(str(value)) if isinstance(value, (str, Path)) else value


def _toml(value: Any) -> str:
    # JSON writes strings, numbers, lists and truth as TOML does; the rest, such as dates, as text.
    return json.dumps(value, ensure_ascii=False, default=str)
