"""edgefer as a service of systemd: its unit, put into place, and how it is."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import edgefer
from edgefer.errors import EdgeferError, why

UNIT = "edgefer.service"
FOLDER = Path("/etc/systemd/system")
STATE = Path("/var/lib/edgefer")
HOMES = (Path("/home"), Path("/root"))
CREDENTIALS = "${CREDENTIALS_DIRECTORY}"  # files that systemd hands over, root's alone or not

TEMPLATE = """\
# Written by: edgefer service install
[Unit]
Description=edgefer: emotions of the faces before a camera
Wants=network-online.target
After=network-online.target
# A camera that is missing for a week is looked for all week.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={command}
WorkingDirectory=%S/edgefer
StateDirectory=edgefer
Environment=PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
{credential}\
Restart=always
RestartSec=5
WatchdogSec={watchdog:g}
TimeoutStartSec=300
TimeoutStopSec=30
MemoryMax={memory}

# A user of its own that owns nothing but its state, and may use cameras.
DynamicUser=yes
SupplementaryGroups=video
DevicePolicy={devices}
DeviceAllow=char-video4linux rw
DeviceAllow=char-media rw
DeviceAllow=char-dma_heap rw
DeviceAllow=/dev/vcio rw

NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=tmpfs
{visible}\
PrivateTmp={tmp}
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
LockPersonality=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0027

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class Wanted:
    """What a unit is made of.

    Attributes
    ----------
    python : str
        The interpreter.
    options : tuple of str
        Of ``edgefer run``.
    config : Path, optional
        Its configuration file. The service manager hands it over: it may be root's alone.
    token : Path, optional
        File with the token of the web page, handed over as well.
    handed : tuple of Path
        Files that options name as ``=PATH``, handed over as well.
    visible : tuple of Path
        What must be readable; what lies in a home is shown to the service, and nothing beside it.
    memory : str
        At which it is ended and started anew, as systemd writes it.
    watchdog : float
        Seconds without a frame or a try to open the camera, after which the same happens.
    jetson : bool
        Whether the camera is a Jetson's, whose daemon listens in /tmp and whose devices are many.
    """

    python: str
    options: tuple[str, ...] = ()
    config: Path | None = None
    token: Path | None = None
    handed: tuple[Path, ...] = ()
    visible: tuple[Path, ...] = ()
    memory: str = "512M"
    watchdog: float = 60.0
    jetson: bool = False


def unit(wanted: Wanted) -> str:
    """The unit's text."""
    handed = {str(path): f"file-{number}" for number, path in enumerate(wanted.handed, 1)}
    command = [*map(quoted, (wanted.python, "-m", "edgefer", "run"))]
    command += [quoted(word, handed) for word in wanted.options]
    credential = "".join(_credential(name, path) for path, name in handed.items())
    if wanted.config is not None:
        command += ["--config", f"{CREDENTIALS}/edgefer.toml"]
        credential += _credential("edgefer.toml", wanted.config)
    if wanted.token is not None:
        credential += _credential("web-token", wanted.token)
        # %d is the same from systemd 251 on; Ubuntu 22.04, a Jetson's, has 249.
        credential += "Environment=EDGEFER_WEB_TOKEN_FILE=/run/credentials/%n/web-token\n"
    shown = sorted({path for path in wanted.visible if any(map(path.is_relative_to, HOMES))})
    # A folder in a folder that is shown is shown with it.
    outer = [path for path in shown if not any(map(shown.__contains__, path.parents))]
    return TEMPLATE.format(
        command=" ".join(command),
        credential=credential,
        watchdog=wanted.watchdog,
        memory=wanted.memory,
        visible="".join(f"BindReadOnlyPaths={_quoted(str(path))}\n" for path in outer),
        devices="auto" if wanted.jetson else "closed",
        tmp="no" if wanted.jetson else "yes",
    )


def quoted(word: str, handed: Mapping[str, str] = MappingProxyType({})) -> str:
    """A word of a command as a unit writes it: no specifier, no variable, one word.

    Files that are handed over are named by where the service finds them.
    """
    parts = re.split("(?<==)(/[^&]*)", word)
    return _quoted(
        "".join(
            f"{CREDENTIALS}/{handed[part]}" if part in handed else part.replace("$", "$$")
            for part in parts
        )
    )


def interpreter_paths() -> tuple[Path, ...]:
    """Folders that this interpreter and this edgefer are read from."""
    package = Path(edgefer.__file__).resolve().parent
    return (Path(sys.prefix), Path(sys.base_prefix).resolve(), package.parent)


def install(text: str, folder: Path = FOLDER, *, force: bool = False) -> Path:
    """Write a unit and make systemd read it; its path.

    Raises
    ------
    EdgeferError
        If there is one that says something else and it is not to be replaced, or the folder is not
        for this user.
    """
    path = folder / UNIT
    try:
        if path.exists() and not force and path.read_text(encoding="utf-8") != text:
            raise EdgeferError(
                f"{path} is there and says something else. See what it would be with --dry-run, "
                "and replace it with --force."
            )
        part = path.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.chmod(0o644)
        part.replace(path)
    except PermissionError as error:
        raise EdgeferError(
            f"{path} is root's to write. Type: sudo {sys.executable} -m edgefer service install ..."
        ) from error
    except OSError as error:
        raise EdgeferError(f"{path} cannot be written: {why(error)}.") from error
    _systemctl("daemon-reload", needed=False)
    return path


# What systemd calls it, and what we do.
PROPERTIES = {
    "LoadState": "installed",
    "ActiveState": "state",
    "SubState": "substate",
    "StatusText": "says",
    "NRestarts": "restarts",
    "Result": "result",
    "MemoryCurrent": "memory",
    "ActiveEnterTimestamp": "since",
}


def status() -> Mapping[str, str]:
    """How the service is, by the words of `PROPERTIES`.

    Raises
    ------
    EdgeferError
        If there is no systemd, or it does not answer.
    """
    said = _systemctl("show", UNIT, f"--property={','.join(PROPERTIES)}")
    held = dict(line.partition("=")[::2] for line in said.splitlines())
    found = {name: held.get(key, "") for key, name in PROPERTIES.items()}
    found["installed"] = {"loaded": "yes", "not-found": "no"}.get(
        found["installed"], found["installed"]
    )
    if found["memory"].isdecimal() and int(found["memory"]) < 1 << 60:  # all bits set: not known
        found["memory"] = f"{int(found['memory']) / 1e6:.0f} MB"
    else:
        found["memory"] = ""
    return found


def _systemctl(*arguments: str, needed: bool = True) -> str:
    program = shutil.which("systemctl")
    if program is None:
        if needed:
            raise EdgeferError("there is no systemctl: this system is not run by systemd.")
        return ""
    words: Sequence[str] = (program, "--no-pager", *arguments)
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"}
    )
    if done.returncode and needed:
        raise EdgeferError(f"systemctl does not answer: {done.stderr.strip()}")
    return done.stdout


def _credential(name: str, path: Path | str) -> str:
    return f"LoadCredential={name}:{_literal(str(path))}\n"


def _quoted(word: str) -> str:
    literal = _literal(word)
    if re.fullmatch(r"[\w@%+=:,./$-]+", literal, re.ASCII):
        return literal
    return json.dumps(literal, ensure_ascii=False)


def _literal(word: str) -> str:
    return word.replace("%", "%%")
