"""Search less often before a warm board is slowed down."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from .reading import Frame, Reading
from .thermal import BITS, THROTTLES, Heat, read_heat, throttles_at


class Governor:
    """How much less often to search, the nearer a board comes to where it is slowed down.

    From ``below`` degrees under the limit on it is half as often, and half of that again at each
    third of the way up to the limit: 2, 4 and 8 times. Each is taken back only ``hysteresis``
    degrees below where it began, so that a board at the edge does not go to and fro.
    """

    LEVELS = 3

    def __init__(
        self, limit: float = THROTTLES, *, below: float = 9.0, hysteresis: float = 3.0
    ) -> None:
        """Start cool.

        Parameters
        ----------
        limit : float
            Degrees Celsius at which the board is slowed down.
        below, hysteresis : float
            Degrees.
        """
        self._level = 0
        step = below / self.LEVELS
        self._steps = [limit - below + step * level for level in range(self.LEVELS)]
        self._hysteresis = hysteresis

    def __call__(self, celsius: float | None, *, throttled: bool = False) -> int:
        """Times for this temperature, 1 where it is cool; the most if it is too late already.

        A temperature that is not known changes nothing.
        """
        if throttled:
            self._level = self.LEVELS
        elif celsius is not None:
            while self._level < self.LEVELS and celsius >= self._steps[self._level]:
                self._level += 1
            while self._level and celsius < self._steps[self._level - 1] - self._hysteresis:
                self._level -= 1
        return int(2**self._level)


class Paced(Protocol):
    """What searches whole frames so many times less often than it was asked to."""

    slower: int


class Cooling:
    """A sink that sets how often faces are searched by how warm the board is.

    Sensors are asked in a thread: a Raspberry Pi's firmware may take seconds to answer.

    Attributes
    ----------
    heat : Heat
        As it was last read.
    """

    def __init__(
        self,
        paced: Paced,
        *,
        pause: float = 10.0,
        read: Callable[[], Heat] = read_heat,
        limit: float | None = None,
    ) -> None:
        """Slow nothing down yet.

        Parameters
        ----------
        paced : Paced
        pause : float
            Seconds from one look at the sensors to the next.
        read : callable
        limit : float, optional
            Degrees at which the board is slowed down; what the kernel tells if left out.
        """
        self._paced, self._pause, self._read = paced, pause, read
        self._governor = Governor(throttles_at() if limit is None else limit)
        self.heat = self._told = Heat()
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="cooling", daemon=True).start()

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        heat = self.heat
        if heat is self._told:
            return
        self._told = heat
        slowed = set(heat.now)
        # A weak power supply throttles a board, too (0x50005), but searching less does not mend it.
        if BITS[0] in slowed:
            slowed -= {BITS[0], BITS[2]}
        self._paced.slower = self._governor(heat.celsius, throttled=bool(slowed))

    @property
    def states(self) -> dict[str, float]:
        """What metrics tell of the board."""
        celsius = self.heat.celsius
        return {} if celsius is None else {"temperature_celsius": celsius}

    def close(self) -> None:
        """End the thread; a sensor that is just being asked keeps nobody."""
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.is_set():
            self.heat = self._read()
            self._closed.wait(self._pause)
