"""Find a plug-in by its name in a table, or anywhere by ``package.module:attribute``."""

import importlib
from collections.abc import Mapping
from typing import Any

from edgefer.errors import EdgeferError


def resolve(name: str, table: Mapping[str, Any]) -> Any:
    """What a name stands for.

    Parameters
    ----------
    name : str
        A key of the table, or ``package.module:attribute``.
    table : mapping of str to object
        What is built in.

    Raises
    ------
    EdgeferError
        If the name is neither.
    """
    if name in table:
        return table[name]
    module, _, attribute = name.partition(":")
    if not attribute:
        raise EdgeferError(
            f"{name!r} is not known. Built in: {', '.join(table)}; "
            "or name your own as package.module:attribute."
        )
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise EdgeferError(f"{name!r} cannot be imported: {error}.") from error
