"""Faults of what readings go to, and of the machine, done to a whole run."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from faults import Slides, endure, frames, held, scene, slowly
from tiny_tflite import tiny_bundle
from waiting import program
from watching import Watcher

from edgefer.bundle import Bundle
from edgefer.edge.classifier import Classifier
from edgefer.edge.sinks import open_sink
from edgefer.edge.sinks.jsonl import START, timed
from edgefer.edge.sinks.logfile import LogFile, LogOutlet
from edgefer.edge.sinks.options import Rotation
from edgefer.edge.sinks.queued import Queued
from edgefer.edge.sinks.web.address import Address
from edgefer.edge.sinks.web.sink import WebSink
from edgefer.errors import BundleError

pytest.importorskip("prometheus_client", reason="no prometheus-client: pip install '.[metrics]'")
from edgefer.edge.sinks.prometheus import PrometheusSink

pytestmark = [
    pytest.mark.edge,
    pytest.mark.slow,
    pytest.mark.usefixtures("nothing_is_left"),
]

ROOT = Path(__file__).resolve().parents[1]
# What reads the wall clock.
WALL = {f"time.{name}" for name in ("time", "time_ns", "localtime", "gmtime", "ctime", "strftime")}
WALL |= {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
ROUNDS = 2  # of each fault: after the last no more is held than after the first


def rows(*paths) -> list[dict]:
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


class Link:
    """A name for a file on one disk or another; the second one is full."""

    def __init__(self, path: Path, file: Path) -> None:
        self.path, self.file = path, file
        file.touch()
        self.point(file)

    def point(self, where: Path) -> None:
        new = self.path.with_suffix(".new")
        new.symlink_to(where)
        new.replace(self.path)

    def full(self) -> None:
        self.point(Path("/dev/full"))

    def room(self) -> None:
        self.point(self.file)


def test_a_full_disk(tmp_path, capsys):
    """Lost: nothing, as long as no more readings come meanwhile than wait in memory."""
    disk = Link(tmp_path / "log", tmp_path / "disk")
    sink = open_sink(f"jsonl:{disk.path}")

    def script(ledger):
        yield from frames(20)
        for _ in range(ROUNDS):
            disk.full()
            yield from slowly(lambda: sink.fault)
            disk.room()
            yield from slowly(lambda: not sink.fault)
            ledger.look()

    ledger, summary = endure(Slides(scene()), script, sinks=[sink])
    assert summary.lost == {str(disk.path): 0}
    assert [row["index"] for row in rows(disk.file)] == ledger.indices
    said = capsys.readouterr().err
    assert "No space left on device; trying again, up to 4096 readings wait" in said
    assert "works again; 0 readings lost meanwhile" in said


def test_slow_web_clients():
    """Lost: nothing, and no time: the loop does not wait for those who hang."""
    sink = WebSink(Address(port=0))
    sink.hub.rate = 200.0
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)

    def script(ledger):
        yield from frames(20)
        for _ in range(ROUNDS):
            files = held().files
            with ExitStack() as hanging:
                for _ in range(4):
                    stuck = hanging.enter_context(Watcher(sink.port, buffer=4096))
                    for _ in range(50):
                        stuck.send()
                yield from slowly(lambda: sink.hub.waiting)
                yield from slowly(lambda: not sink.hub.waiting)  # each hangs in a picture
                yield from frames(100)
                assert not sink.hub.waiting
            yield from slowly(lambda files=files: held().files <= files)
            ledger.look()

    ledger, summary = endure(Slides(noise), script, sinks=[sink])
    assert ledger.indices == list(range(summary.frames))
    assert [len(readings) for readings in ledger.readings] == [1] * summary.frames
    assert summary.milliseconds["sinks"] < 50


class Clock:
    """A clock of the wall that somebody sets."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def test_a_clock_that_jumps(tmp_path):
    """Lost: nothing; order, numbers, rotation and the frames' own seconds know no wall clock."""
    clock, log = Clock(), tmp_path / "log"
    file = LogFile(str(log), START, Rotation(limit=4000, keep=99))
    lines = Queued(LogOutlet(file, timed), str(log), now=clock)
    numbers = PrometheusSink("127.0.0.1:0", now=clock)

    def script(ledger):
        yield from frames(40)
        for hours in (1, -2, 24 * 365, 0):
            clock.ahead = 3600 * hours
            jumps.append(len(ledger.indices))
            yield from frames(40)
            ledger.look()

    jumps = []
    ledger, summary = endure(Slides(scene()), script, sinks=[lines, numbers])
    assert summary.lost == {str(log): 0}
    paths = sorted(tmp_path.iterdir(), key=lambda path: int(path.suffix[1:] or 0), reverse=True)
    assert len(paths) > 3
    found = rows(*paths)
    assert [row["index"] for row in found] == ledger.indices
    assert [row["seconds"] for row in found] == [round(index / 30, 3) for index in ledger.indices]
    times = [datetime.fromisoformat(row["time"].replace("Z", "+00:00")) for row in found]
    hours = [(times[at] - times[at - 1]).total_seconds() / 3600 for at in jumps]
    assert hours == pytest.approx([1, -3, 24 * 365 + 2, -24 * 365], abs=0.05)


def walls(text: str) -> int:
    """How often a program names what reads the wall clock, however it was imported."""
    nodes = list(ast.walk(ast.parse(text)))
    bare = {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if f"{node.module}.{alias.name}" in WALL
    }
    named = [ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute | ast.Name)]
    return sum(".".join(name.split(".")[-2:]) in WALL or name in bare for name in named)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("import time\nnow = time.time", 1),
        ("from time import time\nthen, now = time(), time()", 2),
        ("from time import time as clock\nnow = clock()", 1),
        ("import datetime\nnow = datetime.datetime.now()", 1),
        ("import time  # not time.time\nnow = time.monotonic()", 0),
    ],
)
def test_a_reader_of_the_wall_clock_is_found(text, number):
    assert walls(text) == number


def test_the_wall_clock_is_read_for_people_alone():
    # Everything that waits, counts or measures goes by the monotonic clock.
    folder = ROOT / "edge"
    found = {
        str(path.relative_to(folder)): walls(path.read_text("utf-8"))
        for path in folder.rglob("*.py")
    }
    assert {name: number for name, number in found.items() if number} == {
        "compare.py": 1,  # when a report was made
        "sinks/prometheus.py": 1,  # when the last frame came
        "sinks/queued.py": 2,  # when a reading came; a run's name
        "sinks/web/record.py": 1,  # a recording's name
    }


def test_sigterm_during_inference(tmp_path):
    """Lost: nothing; what the model is asked at the moment is answered, and told."""
    bundle, log = tiny_bundle(tmp_path / "parts").folder, tmp_path / "log.jsonl"
    command = [sys.executable, "-m", "edgefer", "run", str(bundle), "--camera", "synth"]
    command += ["--backend", "faults:Slow", "--quality", "off", "--sink", f"jsonl:{log}"]
    with program(
        command,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for _ in range(3):
            assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert out == ""  # and is asked nothing more
    assert [row["index"] for row in rows(log)] == [0, 1, 2]
    assert "3 frames in" in errors
    assert "0 dropped; stopped by SIGTERM" in errors


def test_a_model_file_that_is_replaced_while_it_runs(tmp_path):
    """Lost: nothing; what was loaded answers as before, and the next start refuses the file."""
    bundle = Bundle.load(Path("small"))
    other = tmp_path / "small"
    shutil.copytree(bundle.folder, other)
    model = other / "int8.tflite"
    pictures = [np.roll(scene((100, 60)), step, axis=1) for step in range(7)]
    classifier = Classifier(Bundle.load(other))
    assert str(other) not in Path("/proc/self/maps").read_text()

    def script(ledger):
        yield from frames(7)
        with model.open("r+b") as file:  # in place: what is mapped would end the process
            file.truncate(100)
        yield from frames(7)
        ledger.look()
        model.unlink()
        yield from frames(7)
        (tmp_path / "new").write_bytes(bundle.read("float"))
        (tmp_path / "new").replace(model)
        yield from frames(7)
        ledger.look()

    ledger, summary = endure(Slides(*pictures), script, model=classifier)
    assert summary.frames > 28
    told = [reading.probabilities for (reading,) in ledger.readings]
    assert told == (told[:7] * 5)[: len(told)]
    with pytest.raises(BundleError, match="int8.tflite was changed"):
        Classifier(Bundle.load(other))
