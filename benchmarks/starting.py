"""Memory of ``edgefer run`` and its time to the first reading, for benchmarks/stream.py."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOST_MB, MOST_SECONDS = 150, 1.0


def start(clip: Path) -> dict[str, float]:
    """Seconds and processor seconds to the first reading of ``edgefer run``, and its peak MB."""
    with tempfile.TemporaryDirectory() as folder:
        log, told = Path(folder) / "log.jsonl", {"seconds": 0.0, "processor": 0.0, "mb": 0.0}
        command = [sys.executable, "-m", "edgefer", "run", "--camera", str(clip)]
        began = time.perf_counter()
        with subprocess.Popen(
            [*command, "--sink", f"jsonl:{log}"],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.DEVNULL,
        ) as process:
            while process.poll() is None:
                if not told["seconds"] and log.exists() and log.stat().st_size:
                    told["seconds"] = time.perf_counter() - began
                    told["processor"] = processor_seconds(process.pid)
                told["mb"] = max(told["mb"], peak(process.pid))
                time.sleep(0.005)
        return told


def processor_seconds(process: int) -> float:
    """What a process has used so far, in steps of 10 ms."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak(process: int) -> float:
    """Most memory that a process held so far, in MB; 0 if it has ended."""
    # Not getrusage: what it tells of a child includes the parent's, from before the exec.
    text = Path(f"/proc/{process}/status").read_text()
    line = [line for line in text.splitlines() if line.startswith("VmHWM")]
    return int(line[0].split()[1]) * 1024 / 1e6 if line else 0.0


def print_start(starts: list[dict[str, float]], clip: Path) -> None:
    """Memory and start of ``edgefer run``, and how busy the machine was."""
    seconds, processor = ([told[name] for told in starts] for name in ("seconds", "processor"))
    megabytes = max(told["mb"] for told in starts)
    print(f"\nedgefer run --camera {clip.name}, {len(starts)} times:")
    print(f"peak memory {megabytes:.0f} MB; wanted: {MOST_MB}. {met(megabytes <= MOST_MB)}")
    print(
        f"start to first reading {min(seconds):.2f} s at best, {statistics.median(seconds):.2f} s "
        f"in the middle, {statistics.median(processor):.2f} s of processor time; "
        f"wanted: {MOST_SECONDS}. {met(statistics.median(seconds) <= MOST_SECONDS)}"
    )
    print_machine()


def print_machine() -> None:
    """How busy the machine was."""
    print(f"{os.cpu_count()} cores, {os.getloadavg()[0]:.1f} processes wanted them")


def met(answer: bool) -> str:
    """Whether a target was met, in a word."""
    return "met" if answer else "MISSED"
