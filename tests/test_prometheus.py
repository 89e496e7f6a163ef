"""Metrics as Prometheus reads them; clients that hang disturb nobody."""

import http.client
import socket
import threading
from contextlib import suppress
from dataclasses import replace

import pytest
from sinking import frame, reading
from waiting import until

pytest.importorskip("prometheus_client", reason="no prometheus-client: pip install '.[metrics]'")

from prometheus_client.parser import text_string_to_metric_families

from edgefer.edge.sinks import Listener, Vitals, listeners, open_sink
from edgefer.edge.sinks.prometheus import CLIENTS, PrometheusSink
from edgefer.errors import EdgeferError

pytestmark = pytest.mark.edge


@pytest.fixture
def sink():
    made = open_sink("prometheus:0")
    yield made
    made.close()


def get(port, path="/metrics", host="127.0.0.1"):
    connection = http.client.HTTPConnection(host, port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def numbers(port):
    """Every sample, by its name and labels as written."""
    status, text = get(port)
    assert status == 200
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_faces_that_were_not_read_are_counted_by_what_was_wrong(sink):
    dark = replace(reading("unsure", 0.0), flaw="dark")
    for index in range(3):
        sink.write(frame(index), [dark, replace(dark, flaw="turned")][: 2 - index % 2])
    found = numbers(sink.port)
    assert found["edgefer_unread_total", "dark"] == 3
    assert found["edgefer_unread_total", "turned"] == 2


def test_frames_and_emotions_are_counted(sink):
    sink.write(frame(0), [reading("happy"), reading("슬픔")])
    sink.write(frame(1), [reading("happy")])
    sink.write(frame(2), [])
    found = numbers(sink.port)
    assert found["edgefer_frames_total",] == 3
    assert found["edgefer_readings_total", "happy"] == 2
    assert found["edgefer_readings_total", "슬픔"] == 1
    assert found["edgefer_faces",] == found["edgefer_warnings",] == 0
    assert found["edgefer_last_frame_timestamp_seconds",] > 1.7e9
    assert found["process_resident_memory_bytes",] > 0


def test_what_the_loop_tells_is_shown(sink):
    assert listeners([object(), sink]) == [sink]
    assert isinstance(sink, Listener)
    for milliseconds in (3, 4, 30):
        sink.tell(
            Vitals(
                totals={"frames": 9, "grabbed": 12, "dropped": 3, "reconnects": 2},
                states={"temperature_celsius": 61.5},
                steps={"detect": milliseconds / 1000},
                lost={"log.jsonl": 7},
                warnings=("It is dark.", "Faces are small."),
            )
        )
    found = numbers(sink.port)
    assert found["edgefer_frames_total",] == 9
    assert found["edgefer_grabbed_total",] == 12
    assert found["edgefer_dropped_total",] == 3
    assert found["edgefer_reconnects_total",] == 2
    assert found["edgefer_temperature_celsius",] == 61.5
    assert found["edgefer_readings_lost_total", "log.jsonl"] == 7
    assert found["edgefer_warnings",] == 2
    assert found["edgefer_step_seconds_count", "detect"] == 3
    assert found["edgefer_step_seconds_sum", "detect"] == pytest.approx(0.037)
    assert found["edgefer_step_seconds_bucket", "0.005", "detect"] == 2


def test_only_this_machine_is_answered_unless_asked_otherwise(sink, capsys):
    assert sink.port
    other = open_sink("prometheus:0.0.0.0:0")
    told = capsys.readouterr().err
    assert f"metrics at http://0.0.0.0:{other.port}/metrics" in told
    assert "everybody who reaches this address can read them" in told
    other.close()
    # Another address of this machine: the first sink is not there.
    with socket.socket() as one:
        assert one.connect_ex(("127.0.0.2", sink.port)) != 0


def test_nothing_else_is_served(sink):
    assert get(sink.port, "/")[0] == 404
    assert get(sink.port, "/metrics?x=1")[0] == 200


def test_clients_that_say_nothing_keep_no_other_out_for_long():
    sink = PrometheusSink("0", timeout=0.2)
    hanging = [socket.create_connection(("127.0.0.1", sink.port)) for _ in range(20)]
    until(lambda: answers(sink.port))
    assert threading.active_count() < 20
    for one in hanging:
        one.close()
    sink.close()


def test_clients_that_ask_byte_by_byte_keep_no_other_out_for_long():
    sink = PrometheusSink("0", timeout=0.5)
    hanging = [socket.create_connection(("127.0.0.1", sink.port)) for _ in range(CLIENTS)]
    until(lambda: not answers(sink.port))

    def drip():
        for one in hanging:
            with suppress(OSError):
                one.sendall(b"G")
        return answers(sink.port)

    until(drip)
    for one in hanging:
        one.close()
    sink.close()


def answers(port):
    try:
        return get(port)[0] == 200
    except OSError:
        return False


def test_a_port_that_is_taken_is_told_with_another(sink):
    with pytest.raises(EdgeferError, match=f"at 127.0.0.1:{sink.port}: .*Try another port"):
        open_sink(f"prometheus:{sink.port}")


def test_two_runs_count_for_themselves_and_leave_nothing(sink):
    before = threading.active_count()
    other = open_sink("prometheus:0")
    other.write(frame(), [reading()])
    assert numbers(sink.port)["edgefer_frames_total",] == 0
    other.close()
    until(lambda: threading.active_count() == before)
    with socket.socket() as one:
        assert one.connect_ex(("127.0.0.1", other.port)) != 0


def test_nobody_is_seen_while_the_camera_is_lost(sink):
    sink.write(frame(0), [reading("happy")])
    sink.tell(Vitals(states={"camera_up": 1.0}, steps={"read": 0.1}))
    assert numbers(sink.port)[("edgefer_faces",)] == 1
    sink.tell(Vitals(states={"camera_up": 0.0}))
    found = numbers(sink.port)
    assert (found[("edgefer_faces",)], found[("edgefer_camera_up",)]) == (0, 0)
    assert found[("edgefer_step_seconds_count", "read")] == 1
