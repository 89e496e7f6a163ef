"""Numbers for Prometheus: how the run goes, and how many faces showed what."""

import ipaddress
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from edgefer.errors import EdgeferError, install

from ..reading import Frame, Reading
from ..shadow import BINS, Agreement
from .vitals import Vitals

try:
    from prometheus_client import CollectorRegistry, Histogram, generate_latest
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
        Metric,
    )
    from prometheus_client.exposition import CONTENT_TYPE_LATEST
    from prometheus_client.process_collector import ProcessCollector
except ImportError as error:
    raise EdgeferError(
        f"prometheus needs the package prometheus-client. Try: {install('metrics')}."
    ) from error

PORT = 9108
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # seconds
CLIENTS = 8  # that are answered at once
TIMEOUT = 5.0  # seconds that one may take to ask and to be answered


class PrometheusSink:
    """A page of numbers, ``/metrics``, on this machine or beyond.

    Attributes
    ----------
    port : int
        Where it is; chosen by the system if 0 was asked for.
    """

    def __init__(
        self, where: str = "", *, timeout: float = TIMEOUT, now: Callable[[], float] = time.time
    ) -> None:
        """Begin to answer.

        Parameters
        ----------
        where : str
            ``PORT`` on this machine alone, ``HOST:PORT`` on the network of that address, or empty
            for port 9108.
        timeout : float
            Seconds that a client may take, byte by byte or not.
        now : callable
            Gives seconds since 1970.

        Raises
        ------
        EdgeferError
            If nothing can be opened there.
        """
        host, port = parse_address(where)
        self._now = now
        self._frames = self._faces = 0
        self._last = 0.0
        self._readings: Counter[str] = Counter()
        self._unread: Counter[str] = Counter()
        self._vitals = Vitals()
        registry = CollectorRegistry()
        registry.register(self)
        ProcessCollector(registry=registry)
        self._steps = Histogram(
            "edgefer_step_seconds",
            "Time that each step of a frame took.",
            ["step"],
            registry=registry,
            buckets=BUCKETS,
        )
        try:
            self._server = _Server((host, port), registry, timeout)
        except OSError as error:
            raise EdgeferError(
                f"metrics cannot be offered at {host}:{port}: {error.strerror or error}. Try "
                f"another port: --sink prometheus:{port + 1}."
            ) from error
        self.port = int(self._server.server_address[1])
        shown = f"[{host}]" if ":" in host else host
        print(f"metrics at http://{shown}:{self.port}/metrics", file=sys.stderr)
        if not ipaddress.ip_address(host).is_loopback:
            print(
                "everybody who reaches this address can read them: keep it in a trusted network",
                file=sys.stderr,
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.2,), name="prometheus", daemon=True
        )
        self._thread.start()

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        self._frames += 1
        self._faces, self._last = len(readings), self._now()
        self._readings.update(reading.emotion for reading in readings)
        self._unread.update(reading.flaw for reading in readings if reading.flaw)

    def tell(self, vitals: Vitals) -> None:
        """Take how the run goes, after each frame, and while there is none."""
        self._vitals = vitals
        if vitals.blind:
            self._faces = 0
        for step, seconds in vitals.steps.items():
            self._steps.labels(step).observe(seconds)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def collect(self) -> Iterator[Metric]:
        """Numbers of now, for the registry."""
        vitals = self._vitals
        for name, total in ({"frames": self._frames} | dict(vitals.totals)).items():
            yield CounterMetricFamily(f"edgefer_{name}", _about(name), value=total)
        for name, state in vitals.states.items():
            yield GaugeMetricFamily(f"edgefer_{name}", _about(name), value=state)
        yield GaugeMetricFamily("edgefer_faces", "Faces in the last frame.", value=self._faces)
        yield GaugeMetricFamily(
            "edgefer_last_frame_timestamp_seconds",
            "When the last frame came, since 1970; 0 before the first.",
            value=self._last,
        )
        emotions = CounterMetricFamily(
            "edgefer_readings", "Faces read, over all frames.", labels=["emotion"]
        )
        for emotion, number in self._readings.copy().items():
            emotions.add_metric([emotion], number)
        yield emotions
        unread = CounterMetricFamily(
            "edgefer_unread", "Faces too poor to be read, by what was wrong.", labels=["flaw"]
        )
        for flaw, number in self._unread.copy().items():
            unread.add_metric([flaw], number)
        yield unread
        lost = CounterMetricFamily(
            "edgefer_readings_lost", "Readings that a sink left out.", labels=["sink"]
        )
        for sink, number in vitals.lost.items():
            lost.add_metric([sink], number)
        yield lost
        yield GaugeMetricFamily(
            "edgefer_warnings",
            "How much is wrong with camera, pictures or faces; 0 while all is well.",
            value=len(vitals.warnings),
        )
        if vitals.shadow is not None:
            yield from _agreement(vitals.shadow)


ABOUT = {
    "frames": "Frames that were looked at.",
    "grabbed": "Frames that the source gave.",
    "dropped": "Frames that were not looked at: the camera was faster, or a frame was damaged.",
    "reconnects": "How often the source was opened anew.",
    "camera_up": "Whether the camera gives pictures; 0 while it is lost and opened again.",
}


def _agreement(told: Agreement) -> Iterator[Metric]:
    """Float beside int8."""
    faces = CounterMetricFamily(
        "edgefer_shadow_faces", "Faces that float and int8 judged.", labels=["emotion"]
    )
    agreed = CounterMetricFamily(
        "edgefer_shadow_agreed", "Those that int8 answered as float did.", labels=["emotion"]
    )
    for emotion, (judged, alike) in told.by_emotion.items():
        faces.add_metric([emotion], judged)
        agreed.add_metric([emotion], alike)
    yield faces
    yield agreed
    margins = HistogramMetricFamily(
        "edgefer_shadow_margin",
        "Float's highest probability less its second, by whether int8 agreed.",
        labels=["agreed"],
    )
    edges = [*(str((i + 1) / BINS) for i in range(BINS)), "+Inf"]
    for answer, row in zip(("yes", "no"), told.margins, strict=True):
        counts = [*row.cumsum().tolist(), int(row.sum())]
        # Their sum is not known; without it prometheus-client leaves out the count, too.
        margins.add_metric([answer], list(zip(edges, counts, strict=True)), sum_value=None)
        margins.add_sample("edgefer_shadow_margin_count", {"agreed": answer}, counts[-1])
    yield margins


def _about(name: str) -> str:
    return ABOUT.get(name, f"{name.replace('_', ' ').capitalize()}.")


def parse_address(where: str) -> tuple[str, int]:
    """Address and port of ``prometheus:WHERE``; only this machine if no address is named.

    Raises
    ------
    EdgeferError
        If it is neither a port nor an address and a port.
    """
    host, colon, port = where.rpartition(":")
    host = host.strip("[]") if colon else "127.0.0.1"
    port = port or str(PORT)
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        if not port.isascii() or not port.isdecimal() or int(port) > 65535:
            raise ValueError
    except ValueError as error:
        raise EdgeferError(
            f"prometheus:{where} is not known. Type prometheus:{PORT} for this machine alone, or "
            f"prometheus:0.0.0.0:{PORT} for all who reach it."
        ) from error
    return str(address), int(port)


class _Server(ThreadingHTTPServer):
    """Answers a few clients at a time; one that hangs keeps a place for a while, and no more."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64  # the default of 5 lets a burst of clients wait for seconds

    def __init__(
        self, address: tuple[str, int], registry: CollectorRegistry, patience: float
    ) -> None:
        self.registry, self._patience = registry, patience
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._places = threading.BoundedSemaphore(CLIENTS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        watch = threading.Timer(self._patience, _cut, [request])
        watch.daemon = True
        watch.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            watch.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no news."""


def _cut(request: socket.socket) -> None:
    """End what takes too long, from another thread."""
    with suppress(OSError):  # it ended by itself a moment ago
        request.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404)
            return
        page = generate_latest(self.server.registry)
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE_LATEST)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Being asked is no news."""
