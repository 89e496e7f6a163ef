"""See which optional packages are here, and say what to type for the others."""

from collections.abc import Iterator
from typing import NamedTuple

from edgefer.errors import install

from .finding import Check
from .probe import installed, is_there, probe, remedy


class Extra(NamedTuple):
    """One of setup.cfg's extras.

    Attributes
    ----------
    package : str
        By its name at the package index.
    module : str
        What it is imported as.
    gives : str
        What needs it.
    trial : str
        A program that fails where it does not work.
    """

    package: str
    module: str
    gives: str
    trial: str


EXTRAS = {
    "mqtt": Extra(
        "paho-mqtt", "paho", "--sink mqtt://", "import paho.mqtt.client, paho.mqtt.enums"
    ),
    "web": Extra("aiohttp", "aiohttp", "--sink web:PORT", "import aiohttp"),
    "metrics": Extra(
        "prometheus-client",
        "prometheus_client",
        "--sink prometheus:PORT",
        "import prometheus_client",
    ),
    "signing": Extra(
        "cryptography",
        "cryptography",
        "--trusted-key (and edgefer bundle sign)",
        "import cryptography.hazmat.primitives.asymmetric.ed25519",
    ),
    "hangul": Extra(
        "Pillow",
        "PIL",
        "--lang ko in pictures",
        "from edgefer.edge.sinks.hangul import Hangul; Hangul()",
    ),
}


def look_at_extras() -> Iterator[Check]:
    """Whether each works; nobody has to have them."""
    for name, extra in EXTRAS.items():
        if not is_there(extra.module):
            found = f"{extra.package} is not installed; {extra.gives} needs it"
            yield Check(name, "note", found, install(name))
            continue
        about = f"{extra.package} {installed(extra.package)}"
        answer = probe(f"{extra.trial}\nprint(json.dumps(1))")
        if answer.error:
            # An error of edgefer's own says what to type, but knows of nothing that is broken.
            found, _, fix = answer.error.partition(" Try: ")
            found = f"{about} is here, but {extra.gives} does not work: {found}"
            if not fix or fix.startswith("pip install"):
                fix = remedy(answer.error, extra.package, extra.module, name)
            yield Check(name, "note", found, fix.rstrip("."))
        else:
            yield Check(name, "ok", f"{about}: {extra.gives} works")
