"""MQTT against a real mosquitto: what it gets, what others learn, locks and encryption."""

import gc
import json
import ssl
import subprocess
import sys
import threading
import time

import pytest
from brokers import Broker, Listener, address, free_port, needs_mosquitto, spooled, write
from certificates import make_certificates
from sinking import frame, reading
from waiting import program, until

pytest.importorskip("paho.mqtt", reason="no paho-mqtt: pip install '.[mqtt]'")

from edgefer.edge.sinks import Vitals, open_sink
from edgefer.edge.sinks.mqtt import MqttSink, State
from edgefer.edge.sinks.mqtt_address import parse_address
from edgefer.edge.words import Words

pytestmark = [pytest.mark.edge, needs_mosquitto]

ANONYMOUS = ("allow_anonymous true",)


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
    until(lambda: threading.active_count() <= before)  # what earlier tests left may have gone


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
    sink.tell(Vitals(warnings=(Words("It is dark.", "어두움"),)))

    def look():  # it leaves at once: what did not reach it may do so at the next look
        late = Listener(broker.port, "room/#")
        late.close()
        return {topic: text for topic, text, retained in late.got if retained}

    found = until(lambda: len(seen := look()) == 2 and "dark" in seen["room/state"] and seen)
    assert json.loads(found["room/state"])["warnings"] == ["It is dark."]
    assert json.loads(found["room/state"])["faces"] == [
        {"face": 0, "emotion": "sad", "confidence": 0.625, "flaw": None}
    ]
    assert found["room/status"] == "online"
    sink.close()
    until(lambda: look().get("room/status") == "offline")


def test_the_state_tells_what_there_is_to_warn_of():
    state = State()
    state.see([reading("happy")], 0.0)
    first = state.latest
    state.warn((), 0.0)
    assert state.latest is first
    state.warn((Words("어두움: it is dark.", "어두움"),), 0.0)
    told = state.latest
    state.see([reading("happy", 0.9)], 0.0)
    state.warn((Words("어두움: it is dark.", "어두움"),), 0.0)
    assert state.latest is told
    assert json.loads(told)["warnings"] == ["어두움: it is dark."]
    assert json.loads(told)["faces"] == json.loads(first)["faces"]
    state.warn((), 0.0)
    assert json.loads(state.latest)["warnings"] == json.loads(first)["warnings"] == []


GOES_ON = """
import sys, time
from edgefer.edge.sinks import open_sink
sink = open_sink(sys.argv[1])
time.sleep(60)
"""


def test_others_learn_that_a_run_was_killed_and_that_it_is_back(broker, listener, tmp_path):
    command = [sys.executable, "-c", GOES_ON, address(broker.port, tmp_path)]
    with program(command) as run:
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
    gc.collect()  # that socket: here it may be left, and in the next test not


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


def test_a_password_that_crosses_a_network_in_plain_is_warned_of(tmp_path, capsys):
    # A short form of 127.0.0.1: for edgefer it is a name like any other.
    where = f"mqtt://board:hunter2@127.1:{free_port()}/room"
    open_sink(f"{where}?spool={tmp_path / 'spool'}").close()
    told = capsys.readouterr().err
    assert "/room: the password crosses the network unencrypted: type mqtts:// instead" in told
    assert "hunter2" not in told


def test_a_few_readings_and_then_silence_are_safe_from_a_power_cut(tmp_path):
    spec = parse_address("mqtt", address(free_port(), tmp_path).partition(":")[2])
    sink = MqttSink(spec)
    write(sink, 0, 4)
    spool = sink._outlet._spool
    until(lambda: len(spool) == 4)
    begun = time.monotonic()
    until(lambda: not spool.unsafe)
    assert time.monotonic() - begun < 5.5
    sink.close()


def test_nobody_is_seen_while_the_camera_is_lost_and_when_the_run_has_ended(
    broker, listener, tmp_path
):
    def faces():
        states = listener.payloads("room/state")
        return [face["face"] for face in json.loads(states[-1])["faces"]] if states else None

    sink = open_sink(address(broker.port, tmp_path))
    sink.write(frame(0), [reading(face=3)])
    sink.tell(Vitals(states={"camera_up": 1.0}))
    until(lambda: faces() == [3])
    sink.tell(Vitals(states={"camera_up": 0.0}, warnings=(Words("camera 0 is lost.", "끊김"),)))
    until(lambda: faces() == [])
    assert json.loads(listener.payloads("room/state")[-1])["warnings"] == ["camera 0 is lost."]
    sink.tell(Vitals(states={"camera_up": 1.0}))
    sink.write(frame(1), [reading(face=4)])
    until(lambda: faces() == [4])
    sink.close()
    until(lambda: listener.payloads("room/status")[-1:] == ["offline"])
    assert faces() == []
