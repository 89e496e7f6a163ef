"""The one door to aiohttp."""

import logging

from edgefer.errors import EdgeferError, install

try:
    from aiohttp import WSMsgType, web
    from aiohttp.http import HttpProcessingError
except ImportError as error:
    raise EdgeferError(f"web needs the package aiohttp. Try: {install('web')}.") from error

__all__ = ["LOG", "WSMsgType", "web"]

LOG = logging.getLogger("edgefer.web")
THEIRS = (HttpProcessingError, web.RequestPayloadError, ConnectionError)


def _ours(record: logging.LogRecord) -> bool:
    """Whether a fault is the server's: those of whoever asks would fill a year's log."""
    return not (record.exc_info and isinstance(record.exc_info[1], THEIRS))


LOG.addFilter(_ours)
