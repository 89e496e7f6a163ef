import csv

import pytest
from click.testing import CliRunner
from toys import toy_faces

from edgefer.cli import edgefer

pytest.importorskip("tensorflow", reason="training needs TensorFlow")
pytestmark = pytest.mark.train


def test_tensorboard_shows_every_epoch_a_resumed_one_too(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from edgefer.train.board import Board
    from edgefer.train.checkpoints import State

    faces = toy_faces(tmp_path / "set", each=8)
    words = ["train", "base", str(faces.folder), "-o", str(tmp_path / "out")]
    words += ["--width", "4", "--depth", "4", "--epochs", "2", "--warmup", "0"]
    done = CliRunner().invoke(edgefer, [*words, "--tensorboard", str(tmp_path / "board")])
    assert done.exit_code == 0, done.output
    with (tmp_path / "out" / "log.csv").open(newline="") as file:
        log = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    again = dict(log[-1], epoch=3)
    Board(tmp_path / "board")(State(log=[*log, again]))
    shown = EventAccumulator(str(tmp_path / "board"), {"tensors": 0})
    shown.Reload()
    names = {"rate/train", "loss/train", "accuracy/train", "loss/val", "accuracy/val"}
    assert set(shown.Tags()["tensors"]) == names
    from edgefer.keras import tf

    for name, column in (("accuracy/val", "val_accuracy"), ("loss/train", "loss")):
        events = shown.Tensors(name)
        assert [event.step for event in events] == [1, 2, 3]
        values = [float(tf.make_ndarray(event.tensor_proto)) for event in events]
        assert values == pytest.approx([row[column] for row in [*log, again]], rel=1e-5)
