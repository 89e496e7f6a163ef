"""What watchers of the web page get: pictures, what was read in them, and the past."""

import cv2
import numpy as np
import pytest
from watching import Watcher, page, playing, scene, somebody, wait_for

from edgefer.edge.look import Look
from edgefer.edge.shadow import Agreement
from edgefer.edge.sinks.vitals import Vitals
from edgefer.edge.sinks.web.server import Limits
from edgefer.labels import labels_of

pytestmark = pytest.mark.edge


def test_a_watcher_gets_the_picture_and_what_was_read_in_it():
    with page() as sink, playing(sink), Watcher(sink.port) as watcher:
        assert watcher.receive()["record"] is None
        told, jpeg = watcher.picture()
        later, _ = watcher.picture()
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (240, 320, 3)
    assert told["size"] == [320, 240]
    (face,) = told["faces"]
    assert face["emotion"] in (["happy", "기쁨"], ["sad", "슬픔"])
    assert face["emotions"] == [["happy", "기쁨"], ["sad", "슬픔"], ["neutral", "중립"]]
    assert face["box"][0] == 40 + told["index"] % 200
    assert later["index"] > told["index"]


def test_nothing_is_compressed_unless_somebody_waits():
    with page() as sink:
        for index in range(50):
            sink.write(scene(index), [somebody(index)])
        assert sink.hub.encoded == 0
        with playing(sink), Watcher(sink.port) as watcher:
            watcher.picture()
            assert sink.hub.encoded >= 1


def test_a_picture_is_compressed_once_for_all_who_wait():
    with page() as sink, Watcher(sink.port) as first, Watcher(sink.port) as second:
        for watcher in (first, second):
            watcher.receive()
            watcher.send()
        wait_for(lambda: sink.hub.waiting == 2, "both wait")
        sink.write(scene(7), [])
        assert first.receive() == second.receive()
        assert sink.hub.encoded == 1


def test_a_large_picture_is_sent_smaller():
    with page() as sink, Watcher(sink.port) as watcher:
        watcher.receive()
        watcher.send()
        wait_for(lambda: sink.hub.waiting, "it waits")
        sink.write(scene(0, (1080, 1920)), [])
        told, jpeg = watcher.receive()
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert (told["size"], image.shape) == ([1920, 1080], (540, 960))


def test_while_the_camera_stands_still_a_watcher_hears_so():
    with page(limits=Limits(news=0.05)) as sink, Watcher(sink.port) as watcher:
        sink.tell(Vitals({"dropped": 4}, {"temperature_celsius": 61.5}, {"detect": 0.02}, {"x": 3}))
        watcher.receive()
        watcher.send()
        told = watcher.receive()
    assert (told["fps"], told["dropped"], told["lost"]) == (0, 4, 3)
    assert (told["latency"], told["temperature"]) == (20.0, 61.5)


def test_a_watcher_hears_warnings_and_how_float_and_int8_agree():
    moves = np.array([[3, 1, 0], [0, 0, 0], [0, 0, 2]])
    agreement = Agreement(labels_of("three", "happy", "sad", "odd"), moves, np.zeros((2, 10), int))
    with page() as sink, Watcher(sink.port) as watcher:
        first = watcher.receive()
        sink.tell(Vitals(warnings=("It is dark.",), shadow=agreement))
        watcher.send()
        wait_for(lambda: sink.hub.waiting, "it waits")
        sink.write(scene(0), [])
        told, _ = watcher.receive()
    assert (first["warnings"], first["shadow"]) == ([], None)
    assert told["warnings"] == ["It is dark."]
    assert told["shadow"] == {
        "faces": 6,
        "agreed": 5,
        "emotions": [
            {"emotion": ["happy", "기쁨"], "faces": 4, "agreed": 3},
            {"emotion": ["sad", "슬픔"], "faces": 0, "agreed": 0},
            {"emotion": ["odd", "odd"], "faces": 2, "agreed": 2},
        ],
    }


def test_covered_faces_cannot_be_seen():
    with page(look=Look(blur=True)) as sink, Watcher(sink.port) as watcher:
        watcher.receive()
        watcher.send()
        wait_for(lambda: sink.hub.waiting, "it waits")
        sink.write(scene(0), [somebody(0)])
        _, jpeg = watcher.receive()
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    cell = image[66:80, 66:80].astype(float)  # within one cell of the box with its margin
    assert cell.std() < 12
    assert image[:, 200:].astype(float).std() > 40
