"""Find a plug-in by its name in a table, or anywhere by ``package.module:attribute``."""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from edgefer.errors import EdgeferError, meant


def resolve(name: str, table: Mapping[str, Any]) -> Any:
    """What a name stands for.

    Parameters
    ----------
    name : str
        A key of the table, or ``package.module:attribute``.
    table : mapping of str to object
        What is built in: the thing itself, or where it is, as ``package.module:attribute``.

    Raises
    ------
    EdgeferError
        If the name is neither.
    """
    known = table.get(name, name)
    if not isinstance(known, str):
        return known
    module, _, attribute = known.partition(":")
    if not attribute:
        said = meant(name, table) or (
            f"Built in: {', '.join(table)}; or name your own as package.module:attribute."
        )
        raise EdgeferError(f"{name!r} is not known. {said}")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        said = meant(module, table)
        raise EdgeferError(f"{name!r} cannot be imported: {error}. {said}".rstrip()) from error


def build(name: str, maker: Any, contract: str, members: tuple[str, ...], *given: Any) -> Any:
    """Make a plug-in of somebody's own, and see that it keeps its contract.

    Parameters
    ----------
    name : str
        As it was typed.
    maker : callable
        What the name stands for; called with what is ``given``.
    contract : str
        The protocol, such as ``edgefer.edge.cameras.Camera``.
    members : tuple of str
        What the protocol asks for.

    Raises
    ------
    EdgeferError
        If it cannot be called so, or what it makes lacks one of the members.
    """
    check_call(name, maker, contract, *given)
    made = maker(*given)
    missing = [member for member in members if not hasattr(made, member)]
    if missing:
        raise EdgeferError(
            f"{name!r} makes a {type(made).__name__} without {', '.join(missing)}. The contract is "
            f"{contract}."
        )
    return made


def check_call(name: str, maker: Any, contract: str, *given: Any, **named: Any) -> None:
    """Raise unless something can be called with these arguments."""
    try:
        inspect.signature(maker).bind(*given, **named)
    except TypeError as error:
        raise EdgeferError(f"{name!r} does not fit {contract}: {error}.") from error
    except ValueError:
        return  # built in C: it does not tell
