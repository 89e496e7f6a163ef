"""What benchmarks/stream.py tells of memory."""

import importlib.util
import mmap
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def starting():
    """The benchmark, as a module."""
    spec = importlib.util.spec_from_file_location("starting", ROOT / "benchmarks" / "starting.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_a_megabyte_is_a_million_bytes(starting):
    first = starting.peak(os.getpid())
    held = int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE / 1e6
    size = int((first - held) * 1e6) + 200_000_000  # as far as the peak, and on
    with mmap.mmap(-1, size) as memory:
        for at in range(0, size, mmap.PAGESIZE):
            memory[at] = 1
        assert starting.peak(os.getpid()) - first == pytest.approx(200, abs=5)
