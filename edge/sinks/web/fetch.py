"""Send a file that may be large to somebody who may be slow."""

import asyncio
import os
from collections.abc import Callable
from typing import BinaryIO

from .headers import careful
from .http import web

PIECE = 65536  # bytes


async def send(
    request: web.Request,
    file: BinaryIO,
    name: str,
    *,
    begun: Callable[[], object],
    stuck: float,
) -> web.StreamResponse:
    """Answer with a file as long as it is now, under a name.

    Parameters
    ----------
    request : Request
    file : file
        Open for reading in binary.
    name : str
        What it is saved as.
    begun : callable
        Called when the answer has begun: it may take longer than others.
    stuck : float
        Seconds that a piece may take; a connection that is slower than that is cut.
    """
    left = os.fstat(file.fileno()).st_size
    answer = web.StreamResponse(headers=careful(request))
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.content_type, answer.content_length = "application/x-ndjson", left
    answer.force_close()
    await answer.prepare(request)
    begun()
    try:
        while left and (piece := await asyncio.to_thread(file.read, min(PIECE, left))):
            await asyncio.wait_for(answer.write(piece), stuck)
            left -= len(piece)
    except (asyncio.TimeoutError, OSError):
        """Gone, stuck, or a disk that fails: what is missing is seen by its length."""
    if left and request.transport is not None:
        request.transport.abort()
    return answer
