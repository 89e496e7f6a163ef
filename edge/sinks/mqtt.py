"""Readings to an MQTT broker: each at least once, in order, however often it goes away."""

import json
import time
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from ..reading import Frame, Reading
from ..trouble import Trouble, say
from ..words import Words
from .mqtt_address import MqttAddress
from .mqtt_connection import MqttConnection
from .outlet import Entry, clock
from .queued import Queued, count
from .spool import Spool
from .vitals import Vitals

WINDOW = 100  # messages under way at once
ANSWER = 1.0  # seconds
TURN = 0.2  # seconds of sending what had waited, before new readings are looked at
TICK = 1.0  # seconds between two looks at the connection


class MqttSink(Queued):
    """Readings to ``TOPIC/readings``; who is seen now and warnings to ``TOPIC/state``, retained."""

    def __init__(self, address: MqttAddress, *, answer: float = ANSWER, **options: Any) -> None:
        """Begin to connect; a broker that is not there is waited for.

        Parameters
        ----------
        address : MqttAddress
        answer : float
            Seconds that the broker may take before what it was sent goes to the disk too.
        **options
            Of `Queued`.

        Raises
        ------
        EdgeferError
            If the spool cannot be written, or a file of TLS cannot be read.
        """
        if address.tells_password:
            say(f"{address}: the password crosses the network unencrypted: type mqtts:// instead")
        self._state = State()
        super().__init__(MqttOutlet(address, self._state, answer), str(address), **options)

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        self._state.see(readings, self._now())
        super().write(frame, readings)

    def tell(self, vitals: Vitals) -> None:
        """Take how the run goes, after each frame, and while there is none."""
        if vitals.blind:
            self._state.see([], self._now())
        self._state.warn(vitals.warnings, self._now())

    def close(self) -> None:
        self._state.see([], self._now())
        self._state.warn((), self._now())
        super().close()


class State:
    """Who is seen now, and what there is to warn of.

    Attributes
    ----------
    latest : bytes
        As a message; empty before the first frame.
    """

    def __init__(self) -> None:
        self.latest = b""
        self._seen: list[tuple[int, str, str]] | None = None
        self._faces: list[dict[str, Any]] = []
        self._warnings: tuple[Words, ...] = ()

    def see(self, readings: Sequence[Reading], now: float) -> None:
        """Take what a frame holds now; only other faces or emotions make a new message."""
        seen = [(reading.face, reading.emotion, reading.flaw) for reading in readings]
        if seen != self._seen:
            self._seen = seen
            self._faces = [
                {
                    "face": r.face,
                    "emotion": r.emotion,
                    "confidence": round(r.confidence, 4),
                    "flaw": r.flaw or None,
                }
                for r in readings
            ]
            self._change(now)

    def warn(self, warnings: tuple[Words, ...], now: float) -> None:
        """Take what there is to warn of now; only others make a new message."""
        if warnings != self._warnings:
            self._warnings = warnings
            self._change(now)

    def _change(self, now: float) -> None:
        told = [warning.english for warning in self._warnings]
        self.latest = _dump({"time": clock(now), "faces": self._faces, "warnings": told})


class Flying(NamedTuple):
    """A message that the broker has not confirmed: its id, and the connection it went out on."""

    id: int
    connection: int


class MqttOutlet:
    """The broker's side of an MQTT sink.

    While the broker answers, readings go out from memory and touch no disk. What it does not answer
    in time goes to the spool, and all that follows behind it, until the spool is empty again: so
    the order holds. What was under way when a connection broke is sent again by paho, and nothing
    new is sent before that has arrived.
    """

    def __init__(self, address: MqttAddress, state: State, answer: float = ANSWER) -> None:
        """Open the spool and begin to connect."""
        self._answer = answer
        self._name, self._folder, self._state = str(address), address.spool, state
        self._full = Trouble(self._name)
        self._flying: deque[Flying] = deque()
        self._telling: int | None = None  # id of a state that is under way
        self._told: tuple[int, bytes] = (0, b"")  # connection and state that were told last
        self._broker = MqttConnection(address)
        self._spool = Spool(address.spool, limit=address.limit)
        # Whether the spool holds something; what flies comes first in it then.
        self._spooled = bool(len(self._spool))
        if self._spooled:
            say(f"{self._name}: {count(len(self._spool))} of an earlier run in {self._folder}")
        self._broker.start()

    @property
    def dropped(self) -> int:
        """Readings that the spool had no room for."""
        return self._spool.dropped

    def send(self, waiting: deque[Entry]) -> float:
        self._broker.tend()
        self._tell_state()
        self._spool.sync()
        if self._spooled:
            self._keep(waiting)
            return self._drain(TURN)
        if waiting:
            self._hand_over(waiting)
        return TICK

    def close(self) -> None:
        try:
            if self._spooled:
                self._drain(self._answer)
            self._telling = None  # however the one before fares: this is the last
            self._tell_state()
            if self._spooled:
                say(f"{self._name}: {count(len(self._spool))} wait in {self._folder}")
        finally:
            self._spool.close()
            self._broker.close()

    def _hand_over(self, waiting: deque[Entry]) -> None:
        """Send from memory, and keep what does not arrive; what flies is what waits first."""
        end = time.monotonic() + self._answer
        if self._is_ready():
            for entry in islice(waiting, len(self._flying), None):
                self._publish(_message(entry))
        while self._flying and self._broker.connected and time.monotonic() < end:
            self._broker.heard.clear()
            for _ in range(self._collect()):
                waiting.popleft()
            if self._flying:
                self._broker.heard.wait(self._answer)
        if waiting:
            self._keep(waiting)

    def _keep(self, waiting: deque[Entry]) -> None:
        """Bring to the disk what waits."""
        if not waiting:
            return
        before = self._spool.dropped
        self._spool.append([_message(entry) for entry in waiting])
        if self._spool.dropped > before:
            self._full.failed(f"{self._folder} is full; the oldest readings are lost")
        if not self._spooled:
            self._spool.read(len(self._flying))
            self._spooled = True
        waiting.clear()

    def _drain(self, seconds: float) -> float:
        """Send from the disk for a while; seconds until it is to go on."""
        end = time.monotonic() + seconds
        while self._broker.connected:
            self._broker.heard.clear()
            self._spool.arrived(self._collect())
            if not len(self._spool):
                self._spooled = False
                self._full.mended("all that waited has arrived")
                break
            if self._is_ready():
                for message in self._spool.read(WINDOW - len(self._flying)):
                    self._publish(message)
            if time.monotonic() > end:
                return 0.0
            self._broker.heard.wait(seconds)
        return TICK

    def _is_ready(self) -> bool:
        """Whether a message sent now comes after all that were sent before.

        What is left of an earlier connection is sent again by paho at a moment of its choice.
        """
        here = not self._flying or self._flying[0].connection == self._broker.number
        return self._broker.connected and here

    def _publish(self, message: bytes) -> None:
        connection = self._broker.number
        self._flying.append(Flying(self._broker.publish("readings", message), connection))

    def _collect(self) -> int:
        """How many of the oldest messages have arrived since."""
        number = 0
        while self._flying and self._broker.has(self._flying[0].id):
            self._flying.popleft()
            number += 1
        return number

    def _tell_state(self) -> None:
        """Tell who is seen, if that is news, or if the broker may have forgotten it."""
        if self._telling is not None and self._broker.has(self._telling):
            self._telling = None
        news = (self._broker.number, self._state.latest)
        if self._broker.connected and self._telling is None and news[1] and news != self._told:
            self._telling = self._broker.publish("state", news[1], retain=True)
            self._told = news


def _message(entry: Entry) -> bytes:
    return _dump(entry.to_json())


def _dump(about: dict[str, Any]) -> bytes:
    return json.dumps(about, ensure_ascii=False, separators=(",", ":")).encode()
