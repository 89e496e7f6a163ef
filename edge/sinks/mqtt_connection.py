"""A connection to an MQTT broker that comes back by itself."""

import ssl
import sys
import threading
from contextlib import suppress
from typing import Any

from edgefer.errors import EdgeferError, install, why

from ..trouble import Trouble
from .mqtt_address import MqttAddress

try:
    import paho.mqtt.client as mqtt
    from paho.mqtt.enums import CallbackAPIVersion
    from paho.mqtt.reasoncodes import ReasonCode
except ImportError as error:
    raise EdgeferError(f"mqtt needs the package paho-mqtt. Try: {install('mqtt')}.") from error

KEEPALIVE = 20  # seconds; a broker that is silent for longer is gone
BACKOFF = (1, 30)  # seconds between attempts to connect: the least, and the most
FAREWELL = 1.0  # seconds for each part of taking leave


class MqttConnection:
    """Publishes under one topic, and tells the broker whether it is there.

    ``TOPIC/status`` is ``online`` or ``offline``, retained; the broker says the latter for a client
    that is gone (its last will).

    Attributes
    ----------
    connected : bool
    number : int
        How many connections there have been. paho sends again by itself, on the next one, what the
        broker did not confirm on the last.
    heard : threading.Event
        Set when something came from the broker, or it went away.
    """

    def __init__(self, address: MqttAddress) -> None:
        """Prepare; `start` connects.

        Raises
        ------
        EdgeferError
            If a file of TLS cannot be read.
        """
        self.connected, self.number = False, 0
        self.heard = threading.Event()
        self._address = address
        self._trouble = Trouble(str(address))
        self._arrived: set[int] = set()
        self._greetings: set[int] = set()  # ids of messages about the status
        self._refused = self._closing = False
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, address.client)
        # With a bound of its own, paho would send out of order after a reconnect.
        self._client.max_inflight_messages_set(0)
        self._client.reconnect_delay_set(*BACKOFF)
        self._client.will_set(self._topic("status"), "offline", qos=1, retain=True)
        if address.user:
            self._client.username_pw_set(address.user, address.password)
        if address.tls:
            self._client.tls_set_context(_context(address))
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish

    def start(self) -> None:
        """Begin to connect; a broker that is not there is waited for."""
        self._client.connect_async(self._address.host, self._address.port, keepalive=KEEPALIVE)
        self._client.loop_start()

    def tend(self) -> None:
        """See that somebody works at it: a mistake in paho would end its thread without a word."""
        if not self.connected:
            self._client.loop_start()  # does nothing while the thread lives

    def publish(self, name: str, message: bytes, *, retain: bool = False) -> int:
        """Send a message to ``TOPIC/name``, with quality of service 1; its id."""
        return self._client.publish(self._topic(name), message, qos=1, retain=retain).mid

    def has(self, id: int) -> bool:
        """Whether the broker confirmed a message; said once."""
        if id in self._arrived:
            self._arrived.discard(id)
            return True
        return False

    def close(self) -> None:
        """Take leave, in a few seconds at most."""
        self._closing = True
        if self.connected:
            last = self._client.publish(self._topic("status"), "offline", qos=1, retain=True)
            with suppress(RuntimeError):  # it went away meanwhile: the will is told then
                last.wait_for_publish(FAREWELL)
        self._client.disconnect()
        # Where a network swallows everything, paho's thread hangs for some seconds more.
        stop = threading.Thread(target=self._client.loop_stop, daemon=True)
        stop.start()
        stop.join(FAREWELL)

    def _topic(self, name: str) -> str:
        return f"{self._address.topic}/{name}"

    # What follows runs in paho's thread, some of it under a lock that publishing needs: it only
    # notes what was heard.

    def _on_connect(
        self, client: mqtt.Client, data: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        self._refused = reason.is_failure
        if self._refused:
            self._trouble.failed(f"the broker refuses: {reason}; {self._where()}")
            return
        # Counted before anybody can take it for the connection before.
        self.number += 1
        online = client.publish(self._topic("status"), "online", qos=1, retain=True)
        self._greetings.add(online.mid)
        self.connected = True
        self.heard.set()
        self._trouble.mended("connected; what waited is on its way")

    def _on_connect_fail(self, client: mqtt.Client, data: Any) -> None:
        # paho calls this while it handles the error, and does not say which.
        error = sys.exc_info()[1]
        reason = why(error) if isinstance(error, Exception) else "no connection"
        self._trouble.failed(f"{reason}; {self._where()}")

    def _on_disconnect(
        self, client: mqtt.Client, data: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        # A connection that is lost is told of only when no other can be made.
        if not (self.connected or self._refused or self._closing):
            self._trouble.failed(f"the broker ends every connection; {self._where()}")
        self.connected = False
        self.heard.set()

    def _on_publish(
        self, client: mqtt.Client, data: Any, id: int, reason: ReasonCode, properties: Any
    ) -> None:
        if id in self._greetings:
            self._greetings.discard(id)
        else:
            self._arrived.add(id)
        self.heard.set()

    def _where(self) -> str:
        return f"trying again, readings wait in {self._address.spool}"


def _context(address: MqttAddress) -> ssl.SSLContext:
    """Whom to trust, and what to show."""
    try:
        context = ssl.create_default_context(cafile=address.ca or None)
        if address.cert:
            context.load_cert_chain(address.cert, address.key)
    except OSError as error:  # ssl's own errors are such, too
        files = ", ".join(filter(None, (address.ca, address.cert, address.key)))
        raise EdgeferError(f"cannot use {files}: {why(error)}.") from error
    return context
