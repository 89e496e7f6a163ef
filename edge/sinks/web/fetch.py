"""Send a file that may be large to somebody who may be slow."""

import asyncio
import os
from typing import BinaryIO

from .guard import Crowd
from .headers import careful
from .http import web

PIECE = 65536  # bytes


async def send(
    request: web.Request,
    file: BinaryIO,
    name: str,
    *,
    crowd: Crowd,
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
    crowd : Crowd
        Lets the connection stay for longer than others.
    stuck : float
        Seconds that a piece may take, and the last one too; a connection that is slower is cut.
    """
    left = os.fstat(file.fileno()).st_size
    answer = web.StreamResponse(headers=careful(request))
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.content_type, answer.content_length = "application/x-ndjson", left
    answer.force_close()
    await answer.prepare(request)
    crowd.keep(request.transport)
    try:
        while left and (piece := await asyncio.to_thread(file.read, min(PIECE, left))):
            await asyncio.wait_for(answer.write(piece), stuck)
            left -= len(piece)
        crowd.let_go(request.transport, stuck)
    except (asyncio.TimeoutError, OSError):
        pass  # gone, stuck, or a disk that fails
    if left and request.transport is not None:
        request.transport.abort()  # what is missing is seen by its length
    return answer
