import json
import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from toys import toy_faces
from waiting import until

from edgefer.bundle import Bundle
from edgefer.errors import EdgeferError

pytest.importorskip("tensorflow", reason="training needs TensorFlow")
pytestmark = [pytest.mark.train, pytest.mark.slow]


def start(faces, out, *more):
    """Two workers on this machine; what the first and the second one say."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    command = [sys.executable, "-m", "edgefer", "train", "base", str(faces.folder), "-o", str(out)]
    command += ["--width", "4", "--depth", "4", "--epochs", "4", "--batch", "32", "--warmup", "0"]
    command += ["--precision", "float32", "--average", "0.9", *more]
    return [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ
            | {
                "TF_CONFIG": json.dumps(
                    {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
                )
            },
        )
        for index in range(2)
    ]


def finish(workers):
    said = [worker.communicate(timeout=240)[1] for worker in workers]
    return [worker.returncode for worker in workers], said


def test_two_workers_train_one_network_and_go_on_when_one_was_killed(tmp_path):
    faces = toy_faces(tmp_path / "set")
    codes, said = finish(start(faces, tmp_path / "whole"))
    assert codes == [0, 0], said
    assert "done; the first worker writes" in said[1]

    workers = start(faces, tmp_path / "out")
    state = tmp_path / "out.run" / "state.npz"
    until(state.exists, 120)
    workers[1].send_signal(signal.SIGKILL)
    codes, said = finish(workers)
    assert codes == [1, -signal.SIGKILL], said
    assert "another worker went away" in said[0]
    assert "Traceback" not in said[0]
    done = json.loads(str(np.load(state)["state"]))["epoch"]
    assert 1 <= done < 4

    codes, said = finish(start(faces, tmp_path / "out", "--resume"))
    assert codes == [0, 0], said
    whole, resumed = (Bundle.load(tmp_path / name) for name in ("whole", "out"))
    assert whole.sums["log.csv"] == resumed.sums["log.csv"]
    assert whole.history[0].scores == resumed.history[0].scores
    from edgefer.keras import load_model

    networks = [load_model(bundle.path("keras")).get_weights() for bundle in (whole, resumed)]
    assert all(map(np.array_equal, *networks))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("", "TF_CONFIG is not set. On the first machine: TF_CONFIG="),
        ("{", "TF_CONFIG is not as TensorFlow wants it"),
        ('{"cluster": {}}', "TF_CONFIG is not as TensorFlow wants it"),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            "has 1 workers, none of index 1",
        ),
    ],
)
def test_workers_that_are_not_told_of_each_other_are_told_how(monkeypatch, config, message):
    from edgefer.train.strategy import distributed

    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(EdgeferError, match=message), distributed("multiworker"):
        pass


def test_gpus_that_are_not_there_are_named():
    from edgefer.keras import tf
    from edgefer.train.strategy import distributed

    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there are GPUs here")
    with pytest.raises(EdgeferError, match="TensorFlow sees none here"), distributed("mirrored"):
        pass
