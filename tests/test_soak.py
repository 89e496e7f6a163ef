"""``make soak`` in short: it looks where it says, and a leak does not escape it."""

import importlib.util
import mmap
import os
from pathlib import Path

import pytest
from faults import Slides, scene, small

from edgefer.edge.faces import Reader
from edgefer.edge.sinks import open_sinks

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def soak():
    """The benchmark, as a module."""
    spec = importlib.util.spec_from_file_location("soak", ROOT / "benchmarks" / "soak.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def steady(soak, *sinks, frames=200):
    return soak.soak(Reader(small()), Slides(scene((100, 60))), sinks, frames, every=10)


class Leak:
    """A sink that keeps what it should let go: so many bytes of each frame, or files."""

    def __init__(self, size=0, files=0) -> None:
        self.size, self.files, self.kept = size, files, []

    def write(self, frame, readings) -> None:
        if self.size:  # pages of its own: what earlier tests freed would be used first
            self.kept.append(mmap.mmap(-1, self.size))
            self.kept[-1].write(b"x" * self.size)
        if self.files and frame.index % self.files == 0:
            self.kept.append(os.memfd_create("leak"))

    def close(self) -> None:
        for one in self.kept:
            os.close(one) if isinstance(one, int) else one.close()


def test_a_run_is_looked_at_from_the_warm_up_on(soak, tmp_path):
    told = []
    film = soak.Film(8)
    sinks = open_sinks([f"jsonl:{tmp_path / 'log'}?max=1kB&keep=2"])
    found = soak.soak(
        Reader(small()), film, sinks, 100, every=10, told=lambda look, frames: told.append(frames)
    )
    assert told == [100] * 10
    assert [look.frames for look in found.warm] == list(range(20, 101, 10))
    assert found.looks[-1].faces > 50
    assert len(list(tmp_path.iterdir())) == 3
    assert found.to_json()["looks"][0]["frames"] == 10
    assert str(found).startswith("100 frames, ")


def test_a_leak_of_memory_is_no_flat_line(soak):
    leaking = steady(soak, Leak(size=200_000))
    assert not leaking.flat
    assert leaking.slope == pytest.approx(2000, rel=0.2)
    assert steady(soak).slope < 100


def test_a_leak_of_files_is_no_flat_line(soak):
    leaking = steady(soak, Leak(files=50))
    assert [look.files - leaking.looks[0].files for look in leaking.looks][-1] == 3
    assert not leaking.flat
    assert str(leaking).endswith("NOT FLAT")
