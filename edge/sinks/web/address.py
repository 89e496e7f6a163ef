"""Where the page is, and who may see it: what is written behind ``web:``."""

import ipaddress
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgefer.errors import EdgeferError, why

from ..options import split_options

PORT = 8080
CLIENTS = 8
SHORTEST = 16  # characters of a token
OPTIONS = ("record", "tune", "clients", "cert", "key", "token", "names")
TOKEN, TOKEN_FILE = "EDGEFER_WEB_TOKEN", "EDGEFER_WEB_TOKEN_FILE"
NEW_TOKEN = f"export {TOKEN}=$(openssl rand -hex 16)"


@dataclass(frozen=True)
class Address:
    """Where the page is, and who may see it.

    Attributes
    ----------
    host : str
        An address of this machine, as a number.
    port : int
        0 lets the system choose.
    token : str
        What a watcher must know; empty if nothing. Shown nowhere.
    cert, key : Path or None
        For TLS.
    record : Path or None
        Folder that recordings go to; None if there are none.
    tune : bool
        Whether watchers may change how faces are found and told.
    clients : int
        How many may watch at once.
    names : tuple of str
        Further names under which the page may be asked for.
    """

    host: str = "127.0.0.1"
    port: int = PORT
    token: str = field(default="", repr=False)
    cert: Path | None = None
    key: Path | None = None
    record: Path | None = None
    tune: bool = True
    clients: int = CLIENTS
    names: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return ipaddress.ip_address(self.host).is_loopback


def parse_address(where: str, environment: Mapping[str, str] = os.environ) -> Address:
    """What ``HOST:PORT?option=value`` asks for.

    Parameters
    ----------
    where : str
        ``PORT``, ``HOST:PORT`` or nothing, and options: ``record=FOLDER``, ``tune=off``,
        ``clients=N``, ``cert=FILE&key=FILE``, ``token=FILE``, ``names=NAME,NAME``.
    environment : mapping of str to str
        May hold the token, or the name of its file.

    Raises
    ------
    EdgeferError
        If it cannot be so, or others could see the page without a token.
    """
    place, options = split_options(where, OPTIONS)
    if "?" in place:
        raise EdgeferError(
            f"web:{where}: options read ?name=value. There are {', '.join(OPTIONS)}."
        )
    host, port = _parse_place(place, where)
    clients = options.get("clients", str(CLIENTS))
    if not re.fullmatch(r"[1-9]\d?", clients):
        raise EdgeferError(f"clients={clients} must be a number from 1 to 99.")
    tune = options.get("tune", "on")
    if tune not in ("on", "off"):
        raise EdgeferError(f"tune={tune} must be on or off.")
    if ("cert" in options) != ("key" in options):
        raise EdgeferError("TLS needs both: cert=FILE&key=FILE.")
    for name, value in options.items():
        if not value:
            raise EdgeferError(f"{name}= says nothing: leave it out, or name what it is to be.")
    cert, key, record = (
        Path(options[name]) if options.get(name) else None for name in ("cert", "key", "record")
    )
    address = Address(
        host,
        port,
        _read_token(options.get("token", ""), environment),
        cert,
        key,
        record,
        tune == "on",
        int(clients),
        tuple(name.lower() for name in options.get("names", "").split(",") if name),
    )
    if not address.is_local and not address.token:
        raise EdgeferError(
            f"web:{place} can be seen by others, and needs a token. Type first: {NEW_TOKEN}; or "
            f"leave the address out: web:{port}."
        )
    return address


def _parse_place(place: str, where: str) -> tuple[str, int]:
    """Address and port; only this machine if no address is named."""
    host, colon, port = place.rpartition(":")
    host = host.strip("[]") if colon else "127.0.0.1"
    port = port or str(PORT)
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        if not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
            raise ValueError
    except ValueError as error:
        raise EdgeferError(
            f"web:{where} is not known. Type web:{PORT} for this machine alone, or "
            f"web:0.0.0.0:{PORT} for all who reach it and know a token."
        ) from error
    return str(address), int(port)


def _read_token(file: str, environment: Mapping[str, str]) -> str:
    """The token of a file or the environment; empty if neither names one."""
    file = file or environment.get(TOKEN_FILE, "")
    handed = environment.get("CREDENTIALS_DIRECTORY", "")
    token = _from_file(Path(file), handed) if file else environment.get(TOKEN, "").strip()
    if (file or token) and len(token) < SHORTEST:
        raise EdgeferError(
            f"the token has {len(token)} characters, and {SHORTEST} are the least. Type: "
            f"{NEW_TOKEN}."
        )
    return token


def _from_file(path: Path, handed: str) -> str:
    try:
        # What systemd hands over only the service can read; its access list shows as a group's bit.
        guarded = bool(handed) and path.is_relative_to(handed)
        mode = path.stat().st_mode
        if os.name == "posix" and not guarded and mode & (stat.S_IRGRP | stat.S_IROTH):
            raise EdgeferError(f"others can read the token in {path}. Type: chmod 600 {path}.")
        return path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise EdgeferError(f"cannot read the token in {path}: {why(error)}.") from error
