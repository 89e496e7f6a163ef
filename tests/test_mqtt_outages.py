"""A real mosquitto that is killed, hangs, or is gone with the disk full: every reading arrives."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from brokers import (
    address,
    arrived,
    free_port,
    needs_mosquitto,
    spooled,
    write,
)
from faults import held
from tiny_tflite import tiny_bundle
from waiting import program, until

pytest.importorskip("paho.mqtt", reason="no paho-mqtt: pip install '.[mqtt]'")

from edgefer.edge.sinks import open_sink

pytestmark = [pytest.mark.edge, needs_mosquitto]

ROOT = Path(__file__).resolve().parents[1]
# Seconds without a broker; 60 is the full test.
OUTAGE = float(os.environ.get("EDGEFER_OUTAGE", "2"))


def test_a_broker_that_is_killed_mid_stream_gets_every_reading_once_it_is_back(
    broker, listener, tmp_path
):
    log = tmp_path / "log.jsonl"
    spec = address(broker.port, tmp_path)
    bundle = tiny_bundle(tmp_path / "parts").folder
    command = [sys.executable, "-m", "edgefer", "run", str(bundle), "--camera", "synth"]
    command += ["--sink", f"jsonl:{log}", "--sink", spec]
    run = subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: len(listener.readings("room")) > 20)
    before = held(run.pid)
    broker.kill()
    time.sleep(OUTAGE)
    until(lambda: spooled(tmp_path))
    broker.start()
    during = len(log.read_text().splitlines())
    until(lambda: len(listener.readings("room")) > during)
    until(lambda: not spooled(tmp_path))
    until(lambda: held(run.pid).no_more_than(before))
    run.send_signal(signal.SIGTERM)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 0, errors
    # On a slow machine the end of the run may leave some for the next.
    rest = open_sink(spec)
    expected = [json.loads(line) for line in log.read_text().splitlines()]
    until(lambda: len(listener.readings("room")) >= len(expected))
    rest.close()
    found = listener.readings("room")
    assert [row["number"] for row in found] == list(range(len(expected)))
    assert [{name: row[name] for name in expected[0]} for row in found] == expected
    assert "Connection refused; trying again, readings wait in" in errors
    assert "connected; what waited is on its way" in errors


def test_a_broker_that_hangs_for_a_while_loses_and_swaps_nothing(broker, listener, tmp_path):
    sink = open_sink(address(broker.port, tmp_path))
    write(sink, 0, 50)
    until(lambda: len(listener.readings("room")) == 50)
    broker.process.send_signal(signal.SIGSTOP)
    write(sink, 50, 150)
    until(lambda: spooled(tmp_path))
    write(sink, 150, 300)
    broker.process.send_signal(signal.SIGCONT)
    until(lambda: len(listener.readings("room")) == 300)
    write(sink, 300, 320)
    until(lambda: len(listener.readings("room")) == 320)
    sink.close()
    numbers = [json.loads(text)["number"] for text in listener.payloads("room/readings")]
    assert numbers == list(range(320))
    assert not spooled(tmp_path)


NO_ROOM = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from sinking import frame, reading
from waiting import program, until
from edgefer.edge.sinks import open_sink
sink = open_sink(sys.argv[1])
sink.write(frame(0), [reading()])
input()
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
for index in range(1, 50):
    sink.write(frame(index), [reading()])
until(lambda: sink.fault)
print("full", flush=True)
input()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
until(lambda: not sink.fault)
input()
sink.close()
print(sink.dropped)
"""


@pytest.mark.parametrize("hangs", [True, False], ids=["hanging", "dead"])
def test_with_neither_a_broker_nor_room_on_the_disk_readings_wait_in_memory(
    broker, listener, tmp_path, hangs
):
    command = [sys.executable, "-c", NO_ROOM, address(broker.port, tmp_path)]
    with program(
        [*command, str(Path(__file__).parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        until(partial(arrived, listener, 1))
        if hangs:
            broker.process.send_signal(signal.SIGSTOP)
        else:
            broker.kill()
        print(file=run.stdin, flush=True)
        assert run.stdout.readline() == "full\n"
        print(file=run.stdin, flush=True)
        if hangs:
            broker.process.send_signal(signal.SIGCONT)
        else:
            broker.start()
        until(partial(arrived, listener, 50))
        out, errors = run.communicate("\n", timeout=60)
    assert (run.returncode, out) == (0, "0\n"), errors
    assert [row["number"] for row in listener.readings("room")] == list(range(50))
    assert "File too large; trying again, up to 4096 readings wait" in errors


def test_a_broker_that_comes_and_goes_loses_and_swaps_nothing(broker, listener, tmp_path):
    sink = open_sink(address(broker.port, tmp_path))
    for turn in range(3):
        until(partial(arrived, listener, 100 * turn))
        write(sink, 150 * turn, 150 * turn + 75)
        broker.kill()
        write(sink, 150 * turn + 75, 150 * turn + 150)
        broker.start()
    until(lambda: len(listener.readings("room")) == 450)
    sink.close()
    assert [row["number"] for row in listener.readings("room")] == list(range(450))
    assert sink.dropped == 0


WITHOUT_A_BROKER = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from sinking import frame, reading
from waiting import program, until
from pathlib import Path
from edgefer.edge.sinks import open_sink
sink = open_sink(sys.argv[1])
for index in range(30):
    sink.write(frame(index), [reading()])
spool = Path(sys.argv[3])
until(lambda: sum(path.read_bytes().count(b"\\n") for path in spool.glob("*.spool")) == 30)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_waits_on_the_disk_survives_a_killed_process(tmp_path, broker, listener, capsys):
    nobody = address(free_port(), tmp_path)
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_BROKER, nobody, str(here), str(tmp_path / "spool")],
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    sink = open_sink(address(broker.port, tmp_path))
    assert "30 readings of an earlier run in " in capsys.readouterr().err
    write(sink, 100, 110)
    until(lambda: len(listener.readings("room")) == 40)
    sink.close()
    found = listener.readings("room")
    assert [row["index"] for row in found] == [*range(30), *range(100, 110)]
    assert len({row["run"] for row in found}) == 2
