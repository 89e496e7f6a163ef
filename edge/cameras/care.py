"""How a live source is looked after: when it counts as lost, and when it is opened again."""

import random
from dataclasses import dataclass

from ..trouble import QUIET


@dataclass(frozen=True)
class Care:
    """How a live source is looked after.

    Attributes
    ----------
    stall : float
        Seconds without a picture after which a source is lost.
    retries : int or None
        How often in a row a lost source is opened again before that is an error; None for ever, as
        ``edgefer run`` does. A connection that lasted starts the count anew.
    opening : float
        Seconds that the first picture may take: a process, a connection, a camera that warms up.
    frozen : float
        Seconds of the very same picture after which it is said to be frozen.
    first_wait, longest_wait : float
        Seconds before the first try, which double with each, up to the longest.
    lasting : float
        Seconds of pictures that make a connection one that lasted.
    quiet : float
        Seconds after an outage that was told in which another one is told only if it lasts.
    """

    stall: float = 5.0
    retries: int | None = 0
    opening: float = 20.0
    frozen: float = 30.0
    first_wait: float = 0.5
    longest_wait: float = 30.0
    lasting: float = 10.0
    quiet: float = QUIET

    def wait(self, tries: int) -> float:
        """Seconds to wait after so many tries; never twice the same.

        Cameras behind one switch would otherwise all come back to it at the same moment.
        """
        # A source that is away for a year makes a power too great for a float.
        wait = min(self.longest_wait, self.first_wait * 2 ** min(tries, 20))
        return wait * random.uniform(0.5, 1)
