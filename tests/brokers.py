"""A real MQTT broker, started and killed by tests, and somebody who listens to it."""

import json
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from sinking import frame, reading
from waiting import until

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None, reason="no mosquitto: apt-get install mosquitto"
)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Broker:
    """mosquitto on a port of its own; it remembers subscriptions over a kill."""

    def __init__(self, folder: Path, *lines: str, tls: bool = False) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.port, self.process = folder, free_port(), None
        self.log = (folder / "log").open("ab")
        rules = [
            f"listener {self.port} 127.0.0.1",
            "user root",  # as root it would become a user who may not write here
            f"persistence_location {folder}/",
            "persistence true",
            "autosave_interval 1",
            "autosave_on_changes true",
            "max_queued_messages 0",
            *(lines or ("allow_anonymous true",)),
        ]
        (folder / "mosquitto.conf").write_text("\n".join(rules) + "\n")
        self.start()

    def start(self) -> None:
        command = [MOSQUITTO, "-c", str(self.folder / "mosquitto.conf")]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        until(self._listens)

    def kill(self) -> None:
        """End it as `kill` does: what it confirmed it saves.

        After `kill -9` mosquitto lacks what it confirmed a moment before, and no client can help.
        """
        self.process.terminate()
        self.process.wait(10)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self.log.close()

    def _listens(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0


class Listener:
    """Somebody else's client: keeps what comes, also what came while it was away."""

    def __init__(self, port: int, topic: str, *, context=None, user="", password="") -> None:
        import paho.mqtt.client as mqtt

        self.got, self._ready = [], threading.Event()
        version = mqtt.CallbackAPIVersion.VERSION2
        self._client = mqtt.Client(version, f"listener-{port}", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        if context:
            self._client.tls_set_context(context)
        if user:
            self._client.username_pw_set(user, password)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda client, data, message: self.got.append(
            (message.topic, message.payload.decode(), message.retain)
        )
        self._client.connect("localhost" if context else "127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(20)

    def payloads(self, topic: str) -> list[str]:
        return [payload for name, payload, _ in list(self.got) if name == topic]

    def readings(self, topic: str) -> list[dict]:
        """Readings, as they came first: what came again is left out."""
        found = {}
        for payload in self.payloads(f"{topic}/readings"):
            row = json.loads(payload)
            found.setdefault((row["run"], row["number"]), row)
        return list(found.values())

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


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
