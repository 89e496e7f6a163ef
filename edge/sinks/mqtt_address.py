"""Where an MQTT broker is, and how to speak to it, in one line."""

import hashlib
import ipaddress
import os
import platform
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from edgefer.errors import EdgeferError

from .options import parse_size, split_options
from .spool import LIMIT

PORTS = {"mqtt": 1883, "mqtts": 8883}
FORM = "{scheme}://user:password@host:{port}/topic"
PASSWORD = "EDGEFER_MQTT_PASSWORD"


@dataclass(frozen=True)
class MqttAddress:
    """A broker, a topic, and what is needed to write to it.

    Attributes
    ----------
    host : str
    port : int
    topic : str
        Readings go to ``TOPIC/readings``.
    tls : bool
    user : str
    password : str
        Shown nowhere.
    ca, cert, key : str
        Files: who is trusted as a broker, and what this client shows of itself.
    spool : Path
        Folder of readings that wait for the broker.
    limit : int
        Bytes that may wait there.
    client : str
        What the broker calls this client: the same at every start, so that it knows that the client
        before it is gone. Otherwise its last will, sent when the broker notices at last, would
        contradict the new one.
    """

    host: str
    port: int
    topic: str
    tls: bool
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""
    cert: str = ""
    key: str = ""
    spool: Path = Path()
    limit: int = LIMIT
    client: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}/{self.topic}"

    @property
    def tells_password(self) -> bool:
        """Whether others on the network can read the password."""
        return bool(self.password) and not self.tls and not _is_here(self.host)


def parse_address(scheme: str, where: str) -> MqttAddress:
    """Read ``//user:password@host:1883/topic?ca=FILE&cert=FILE&key=FILE&spool=FOLDER&max=100MB``.

    The password may come from the environment instead (`PASSWORD`), where no other user of the
    machine sees it.

    Parameters
    ----------
    scheme : str
        ``mqtt``, or ``mqtts`` for TLS.
    where : str
        What follows it and a colon.

    Raises
    ------
    EdgeferError
        If something is missing or cannot be; the message never holds the password.
    """
    form = FORM.format(scheme=scheme, port=PORTS[scheme])
    place, options = split_options(where, ("ca", "cert", "key", "spool", "max"))
    try:
        parts = urlsplit(f"{scheme}:{place}")
        host, port = parts.hostname or "", parts.port or PORTS[scheme]
        host.encode("idna")
    except ValueError as error:  # its own words may show the password
        raise EdgeferError(f"this is no address of a broker. Type: {form}.") from error
    topic = unquote(parts.path).strip("/")
    if not place.startswith("//") or not host or not topic:
        raise EdgeferError(f"{scheme} needs a host and a topic. Type: {form}.")
    if parts.query or "#" in place or re.search(r"[+#\x00-\x1f]|^\$", topic):
        raise EdgeferError(f"a topic holds no +, #, ? or control character. Type: {form}.")
    if scheme == "mqtt" and (wrong := [name for name in ("ca", "cert", "key") if name in options]):
        raise EdgeferError(
            f"{wrong[0]} is for TLS. Type: {FORM.format(scheme='mqtts', port=8883)}."
        )
    if ("cert" in options) != ("key" in options):
        raise EdgeferError("cert and key go together: give both files, or none.")
    user = unquote(parts.username or "")
    password = unquote(parts.password or "") or (os.environ.get(PASSWORD, "") if user else "")
    address = MqttAddress(
        host,
        port,
        topic,
        scheme == "mqtts",
        user,
        password,
        ca=options.get("ca", ""),
        cert=options.get("cert", ""),
        key=options.get("key", ""),
        limit=parse_size("max", options["max"]) if "max" in options else LIMIT,
    )
    named = options.get("spool", "")
    spool = Path(named) if named else _default_spool(address)
    return replace(address, spool=spool, client=_client(address, named))


def _client(address: MqttAddress, spool: str) -> str:
    """A name of its own for each machine, broker and topic, and each folder that is named."""
    try:
        machine = Path("/etc/machine-id").read_text().strip()
    except OSError:
        machine = platform.node()
    folder = f" {Path(spool).absolute()}" if spool else ""
    return f"edgefer-{_digest(f'{machine} {address}{folder}')}"


def _is_here(host: str) -> bool:
    """Whether a name or number is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _default_spool(address: MqttAddress) -> Path:
    """A folder for this broker and topic: systemd's state folder, or the user's."""
    # systemd's StateDirectory= may name several.
    home = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if not home:
        try:
            base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        except RuntimeError as error:
            raise EdgeferError(
                "this user has no home where readings could wait. Type: ?spool=FOLDER after the "
                "topic."
            ) from error
        home = str(Path(base) / "edgefer")
    plain = re.sub(r"[^\w.-]+", "-", f"{address.host}-{address.topic}")[:60]
    return Path(home) / "spool" / f"{plain}-{_digest(str(address))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
