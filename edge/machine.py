"""What this machine and its TFLite runtime are called."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .backends import installed

# Package and shown name of each built-in backend.
_RUNTIMES = {
    "litert": ("ai-edge-litert", "LiteRT {}"),
    "builtin": ("ai-edge-litert", "LiteRT {} without delegates"),
    "tflite-runtime": ("tflite-runtime", "tflite-runtime {}"),
}


def runtime(backend: str) -> str:
    """Name and version of the runtime behind a backend's name."""
    if backend == "auto":
        backend = installed()
    if backend not in _RUNTIMES:
        return backend
    package, name = _RUNTIMES[backend]
    return name.format(version(package))


def machine() -> dict[str, Any]:
    """Processor, cores, system and Python."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _cpu() -> str:
    """What a board calls itself, else what its processor does."""
    board = Path("/proc/device-tree/model")
    if board.exists():
        return board.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            name, found, value = line.partition(":")
            if found and name.strip() in ("model name", "Model"):
                return value.strip()
    return platform.processor() or platform.machine()
