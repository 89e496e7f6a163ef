"""Who is let in: tokens, failed tries, and names that a browser may ask for."""

import hashlib
import hmac
import ipaddress
import re
import socket
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from urllib.parse import urlsplit

TRIES = 5  # wrong tokens of one address within `WINDOW`
TRIES_OF_ALL = 60
WINDOW = 60.0  # seconds
REMEMBERED = 1024  # addresses


class Doorkeeper:
    """Compares tokens, and stops listening to who guesses."""

    def __init__(self, token: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Know a token; an empty one lets everybody in."""
        self._token = token
        self._clock = clock
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque(maxlen=TRIES_OF_ALL)
        # Of the token, so that a phone stays in when the run starts again, and out with a new one.
        self.pass_ = hmac.new(token.encode(), b"edgefer web page", hashlib.sha256).hexdigest()

    @property
    def is_open(self) -> bool:
        """Whether there is no token."""
        return not self._token

    def knows(self, pass_: str) -> bool:
        """Whether a browser was let in before."""
        return self.is_open or _same(pass_, self.pass_)

    def wait(self, who: str) -> int:
        """Seconds until this address may try a token again; 0 if it may now."""
        now = self._clock()
        waits = [
            tries[0] + WINDOW - now
            for tries, most in ((self._of(who), TRIES), (self._all, TRIES_OF_ALL))
            if len(tries) == most
        ]
        return max(0, int(max(waits, default=0.0) + 0.999))

    def lets(self, token: str, who: str) -> bool:
        """Whether a token is the right one; a wrong one is held against the address."""
        if self.is_open or _same(token, self._token):
            return True
        now = self._clock()
        key = _neighborhood(who)
        tries = self._failed.setdefault(key, deque(maxlen=TRIES))
        self._failed.move_to_end(key)
        while len(self._failed) > REMEMBERED:
            self._failed.popitem(last=False)
        tries.append(now)
        self._all.append(now)
        return False

    def _of(self, who: str) -> deque[float]:
        return self._failed.get(_neighborhood(who), deque())


def _same(given: str, expected: str) -> bool:
    """Whether two texts are the same, in a time that tells nothing about either."""
    first, second = (
        hashlib.sha256(text.encode(errors="replace")).digest() for text in (given, expected)
    )
    return hmac.compare_digest(first, second)


def _neighborhood(who: str) -> str:
    """An address; of IPv6 its network, as one machine has many."""
    try:
        address = ipaddress.ip_address(who.partition("%")[0])
    except ValueError:
        return who
    if address.version == 6 and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), False))


class Names:
    """Names under which the page may be asked for.

    A foreign site that lets its own name point here (DNS rebinding) asks under that name. A number
    is nobody's name.
    """

    def __init__(self, *more: str, local: bool) -> None:
        """Allow this machine's names and further ones; numbers only of this machine if local."""
        host = socket.gethostname().lower()
        self._local = local
        self._names = {"localhost", *more} | (set() if local else {host, f"{host}.local"})

    def allow(self, host: str) -> bool:
        """Whether the name in a Host header is one of ours."""
        found = re.fullmatch(r"(\[[0-9a-f:.]+\]|[0-9a-z._-]+)(:\d{1,5})?", host.lower())
        if not found:
            return False
        name = found[1].strip("[]").rstrip(".")
        try:
            return ipaddress.ip_address(name).is_loopback or not self._local or name in self._names
        except ValueError:
            return name in self._names


def same_site(origin: str | None, host: str) -> bool:
    """Whether a page of ours asks; what is no browser names no origin."""
    try:
        return origin is None or urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:  # no address at all
        return False
