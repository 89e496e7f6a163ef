"""How warm a board is, and whether it is slowed down for it."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path("/")
# What a sensor without a sensor says: the Jetson Nano's is always 100 degrees, the TX2's always 50.
UNREAL = {"PMIC-Die"}
# Bits of the Raspberry Pi's get_throttled; 16 above each is the same since the board was started.
BITS = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
# Degrees at which a Raspberry Pi's firmware begins, where the kernel tells nothing.
THROTTLES = 80.0


@dataclass(frozen=True)
class Heat:
    """How warm a board is.

    Attributes
    ----------
    zones : mapping of str to float
        Degrees Celsius by the sensor's name; empty where there is none.
    now : tuple of str
        What slows the board down at the moment: words of `BITS`, or a cooling device's name.
    since_start : tuple of str
        What did so since the board was started, where it keeps count.
    """

    zones: Mapping[str, float] = field(default_factory=dict)
    now: tuple[str, ...] = ()
    since_start: tuple[str, ...] = ()

    @property
    def celsius(self) -> float | None:
        """The warmest sensor's; None without one."""
        return max(self.zones.values(), default=None)

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "celsius": self.celsius,
            "zones": dict(self.zones),
            "throttled_now": list(self.now),
            "throttled_since_start": list(self.since_start),
        }


def read_heat(root: Path = ROOT, *, command: str = "vcgencmd") -> Heat:
    """What sensors, cooling devices and a Raspberry Pi's firmware say.

    Parameters
    ----------
    root : Path
        Where ``sys/class/thermal`` is.
    command : str
        What asks the firmware; where it is missing or fails nothing is known of it.
    """
    bits = _bits(root, command)
    names = [name for bit, name in BITS.items() if bits >> bit & 1]
    since = tuple(name for bit, name in BITS.items() if bits >> (bit + 16) & 1)
    return Heat(_zones(root), (*names, *_cooling(root)), since)


def throttles_at(root: Path = ROOT) -> float:
    """Degrees from which the kernel slows the board down; a Raspberry Pi's where it tells none."""
    found = []
    for kind in root.glob("sys/class/thermal/thermal_zone*/trip_point_*_type"):
        if _text(kind) == "passive" and _text(kind.parent / "type") not in UNREAL:
            degrees = _degrees(kind.with_name(kind.name.replace("_type", "_temp")))
            # Some firmware sets a point at 0 degrees, or far above all others, and means never.
            found += [degrees] if degrees is not None and 60 <= degrees <= 110 else []
    return min(found, default=THROTTLES)


def _zones(root: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for zone in sorted(root.glob("sys/class/thermal/thermal_zone*"), key=_number):
        name, degrees = _text(zone / "type") or zone.name, _degrees(zone / "temp")
        # What is off says 0, or absolute zero.
        if degrees is not None and name not in UNREAL and -40 < degrees < 150 and degrees:
            found[f"{name} {_number(zone)}" if name in found else name] = round(degrees, 1)
    return found


def _cooling(root: Path) -> list[str]:
    """Cooling devices by which the kernel holds a processor back at the moment."""
    return [
        name
        for device in sorted(root.glob("sys/class/thermal/cooling_device*"), key=_number)
        if re.search("cpufreq|devfreq", name := _text(device / "type"))
        and _text(device / "cur_state") not in ("", "0")
    ]


def _bits(root: Path, command: str) -> int:
    """What a Raspberry Pi's firmware says, 0 elsewhere; its kernel's file needs no program."""
    held = _text(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    if not held and shutil.which(command):
        with suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(
                [command, "get_throttled"], capture_output=True, text=True, timeout=2, check=True
            )
            held = done.stdout.partition("=")[2]
    with suppress(ValueError):
        return int(held, 16)
    return 0


def _degrees(path: Path) -> float | None:
    with suppress(ValueError):
        return int(_text(path)) / 1000
    return None


def _text(path: Path) -> str:
    """What a file of the kernel holds; nothing if it cannot say."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return ""


def _number(path: Path) -> int:
    return int(re.sub(r"\D", "", path.name) or 0)
