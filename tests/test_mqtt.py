"""MQTT against a real mosquitto: killed, hanging, locked, encrypted; no reading is ever lost."""

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from brokers import Broker, Listener, free_port, needs_mosquitto
from certificates import make_certificates
from sinking import frame, reading, until
from tiny_tflite import tiny_bundle

pytest.importorskip("paho.mqtt", reason="no paho-mqtt: pip install '.[mqtt]'")

from edgefer.edge.sinks import open_sink
from edgefer.edge.sinks.mqtt import MqttSink
from edgefer.edge.sinks.mqtt_address import parse_address

pytestmark = [pytest.mark.edge, needs_mosquitto]

ROOT = Path(__file__).resolve().parents[1]
# Seconds without a broker; 60 is the full test.
OUTAGE = float(os.environ.get("EDGEFER_OUTAGE", "2"))
ANONYMOUS = ("allow_anonymous true",)


@pytest.fixture
def broker(tmp_path):
    made = Broker(tmp_path / "broker")
    yield made
    made.close()


@pytest.fixture
def listener(broker):
    made = Listener(broker.port, "room/#")
    yield made
    made.close()


def address(port, tmp_path, scheme="mqtt", user="", **options):
    more = "".join(f"&{name}={value}" for name, value in options.items())
    host = "localhost" if scheme == "mqtts" else "127.0.0.1"
    return f"{scheme}://{user}{host}:{port}/room?spool={tmp_path / 'spool'}{more}"


def write(sink, first, last):
    for index in range(first, last):
        sink.write(frame(index), [reading()])
        time.sleep(0.001)


def arrived(listener, count):
    return len(listener.readings("room")) >= count


def spooled(tmp_path):
    return list((tmp_path / "spool").glob("*.spool"))


def test_readings_arrive_in_order_and_touch_no_disk(broker, listener, tmp_path):
    _, _, where = address(broker.port, tmp_path).partition(":")
    sink = MqttSink(parse_address("mqtt", where), answer=60)  # however slow this machine is
    until(lambda: "online" in listener.payloads("room/status"))
    write(sink, 0, 300)
    until(lambda: len(listener.readings("room")) == 300)
    sink.close()
    rows = listener.readings("room")
    assert [row["number"] for row in rows] == [row["index"] for row in rows] == list(range(300))
    assert rows[7].items() >= reading().to_json(frame(7)).items()
    assert (tmp_path / "spool" / "arrived").stat().st_size == 0
    assert sink.dropped == 0


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
    broker.kill()
    time.sleep(OUTAGE)
    until(lambda: spooled(tmp_path))
    broker.start()
    during = len(log.read_text().splitlines())
    until(lambda: len(listener.readings("room")) > during)
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
from sinking import frame, reading, until
from edgefer.edge.sinks import open_sink
sink = open_sink(sys.argv[1])
sink.write(frame(0), [reading()])
input()
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
for index in range(1, 50):
    sink.write(frame(index), [reading()])
until(lambda: sink.failing)
print("full", flush=True)
input()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
until(lambda: not sink.failing)
input()
sink.close()
print(sink.dropped)
"""


@pytest.mark.parametrize("hangs", [True, False], ids=["hanging", "dead"])
def test_with_neither_a_broker_nor_room_on_the_disk_readings_wait_in_memory(
    broker, listener, tmp_path, hangs
):
    command = [sys.executable, "-c", NO_ROOM, address(broker.port, tmp_path)]
    with subprocess.Popen(
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
from sinking import frame, reading, until
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


def test_what_is_left_at_the_end_of_a_run_waits_for_the_next(tmp_path, capsys):
    spec = address(free_port(), tmp_path)
    sink = open_sink(spec)
    write(sink, 0, 10)
    sink.close()
    assert f"10 readings wait in {tmp_path / 'spool'}" in capsys.readouterr().err
    assert sink.dropped == 0


def test_no_thread_and_no_lock_is_left(tmp_path):
    before = threading.active_count()
    for _ in range(3):
        open_sink(address(free_port(), tmp_path)).close()
    until(lambda: threading.active_count() == before)


def test_a_spool_that_is_full_gives_up_the_oldest_and_counts(tmp_path, capsys):
    sink = open_sink(address(free_port(), tmp_path, max="10kB"))
    write(sink, 0, 200)
    sink.close()
    left = [line for path in sorted(spooled(tmp_path)) for line in path.read_text().splitlines()]
    assert json.loads(left[-1])["number"] == 199
    assert len(left) + sink.dropped == 200
    assert "spool is full; the oldest readings are lost" in capsys.readouterr().err


def test_the_state_is_kept_for_who_comes_later(broker, tmp_path):
    sink = open_sink(address(broker.port, tmp_path))
    sink.write(frame(0), [reading("happy"), reading("슬픔", face=4)])
    time.sleep(0.1)
    sink.write(frame(1), [reading("sad", 0.625)])
    sink.write(frame(2), [reading("sad", 0.75)])  # still sad: no news

    def look():
        late = Listener(broker.port, "room/#")
        late.close()
        return {topic: text for topic, text, retained in late.got if retained}

    found = until(lambda: (seen := look()).get("room/state", "").count("sad") and seen)
    assert json.loads(found["room/state"])["faces"] == [
        {"face": 0, "emotion": "sad", "confidence": 0.625}
    ]
    assert found["room/status"] == "online"
    sink.close()
    assert look()["room/status"] == "offline"


GOES_ON = """
import sys, time
from edgefer.edge.sinks import open_sink
sink = open_sink(sys.argv[1])
time.sleep(60)
"""


def test_others_learn_that_a_run_was_killed_and_that_it_is_back(broker, listener, tmp_path):
    command = [sys.executable, "-c", GOES_ON, address(broker.port, tmp_path)]
    with subprocess.Popen(command) as run:
        until(lambda: listener.payloads("room/status") == ["online"])
        run.kill()
    until(lambda: listener.payloads("room/status") == ["online", "offline"])
    sink = open_sink(address(broker.port, tmp_path))
    until(lambda: listener.payloads("room/status") == ["online", "offline", "online"])
    sink.close()
    until(lambda: listener.payloads("room/status")[-1] == "offline")


@pytest.fixture
def certificates(tmp_path):
    return make_certificates(tmp_path / "certificates")


@pytest.fixture
def secure(tmp_path, certificates):
    rules = [f"certfile {certificates['cert']}", f"keyfile {certificates['key']}", *ANONYMOUS]
    made = Broker(tmp_path / "secure", *rules)
    yield made
    made.close()


# paho leaves the socket of a failed handshake to Python.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_encrypted_connection_is_checked(secure, certificates, tmp_path, capsys):
    context = ssl.create_default_context(cafile=certificates["ca"])
    listener = Listener(secure.port, "room/#", context=context)
    blind = open_sink(address(secure.port, tmp_path, "mqtts"))  # it knows no such authority
    write(blind, 0, 3)
    until(lambda: "certificate verify failed" in capsys.readouterr().err)
    blind.close()
    assert not listener.payloads("room/readings")
    sink = open_sink(address(secure.port, tmp_path, "mqtts", ca=certificates["ca"]))
    write(sink, 3, 6)
    until(lambda: len(listener.readings("room")) == 6)
    sink.close()
    listener.close()
    assert [row["index"] for row in listener.readings("room")] == list(range(6))


def test_a_broker_that_refuses_is_told_of_without_the_password(tmp_path, capsys, monkeypatch):
    keys = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(keys), "board", "hunter2"], check=True)
    broker = Broker(tmp_path / "locked", "allow_anonymous false", f"password_file {keys}")
    listener = Listener(broker.port, "room/#", user="board", password="hunter2")
    wrong = open_sink(address(broker.port, tmp_path, user="board:hunter3@"))
    write(wrong, 0, 3)
    told = []
    until(lambda: told.append(capsys.readouterr().err) or "refuses" in "".join(told))
    wrong.close()
    told = "".join(told) + capsys.readouterr().err
    assert "the broker refuses: Not authorized; trying again, readings wait in" in told
    assert "hunter" not in told
    monkeypatch.setenv("EDGEFER_MQTT_PASSWORD", "hunter2")
    right = open_sink(address(broker.port, tmp_path, user="board@"))
    until(lambda: len(listener.readings("room")) == 3)
    right.close()
    listener.close()
    broker.close()
