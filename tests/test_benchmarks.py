"""What benchmarks count, and that they run on a clip."""

import importlib
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.edge

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """A benchmark by its name, as a module."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


def test_light_that_is_too_much_stays_white(benchmark):
    face = np.full((48, 48), 200, np.uint8)
    assert (benchmark("worsening").lit(2)(face) == 255).all()


@pytest.mark.parametrize(
    ("way", "how"), [("lit", 0.5), ("blurred", 1), ("moved", 6), ("small", 24), ("noisy", 5)]
)
def test_a_worse_face_is_a_patch_still(benchmark, way, how):
    face = np.tile(np.arange(0, 240, 5, dtype=np.uint8), (48, 1))
    face[20:30, 20:30] = 0
    worse = getattr(benchmark("worsening"), way)(how)(face)
    assert (worse.shape, worse.dtype) == (face.shape, face.dtype)
    assert (worse != face).any()
