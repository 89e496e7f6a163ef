# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
"""Which faces may be the gate."""

import numpy as np
import pytest
from toys import SIZE, toy_face

pytest.importorskip("tensorflow", reason="export needs TensorFlow")
pytestmark = pytest.mark.train

from edgefer.bundle import Bundle
from edgefer.errors import DataError
from edgefer.export.recipe import ExportRecipe
from edgefer.export.require import gate_faces
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7

GATE = ExportRecipe(int8=True, gate=0.1)


@pytest.fixture
def gate(tmp_path):
    """The gate of a face set with these people, two faces each, in each split."""

    def made(**people):
        rng = np.random.default_rng(0)
        for folder, wanted in (("calibration", {"train": ["somebody"]}), ("faces", people)):
            with write_faceset(tmp_path / folder, FER7, SIZE, source="a test") as writer:
                for split, names in wanted.items():
                    for person in names * 2:
                        patch = toy_face(0, rng, SIZE)
                        writer.add(patch, "angry", split=split, person=person)
        sets = [FaceSet.load(tmp_path / folder) for folder in ("calibration", "faces")]
        return gate_faces(Bundle.load(), GATE, *sets)

    return made


def test_people_of_the_test_split_are_never_the_gate(gate, capsys):
    found = gate(val=["a", "b", "c"], test=["b", "c", "d"])
    assert set(found.persons) == {"a"}
    assert "gate: 4 faces left out whose person is also in test" in capsys.readouterr().err


def test_where_nobody_is_known_or_shared_nothing_is_left_out(gate, capsys):
    assert len(gate(train=["a"], val=["", "a"], test=["", "b"])) == 4
    assert "left out" not in capsys.readouterr().err


def test_a_gate_of_test_people_alone_is_refused(gate):
    with pytest.raises(DataError, match="none is left for the gate. Make splits: edgefer data"):
        gate(val=["a"], test=["a"])
