"""What the page asks for: itself, to be let in, pictures, recordings."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from edgefer.errors import EdgeferError

from ...tuning import Tuning
from .access import Doorkeeper, Names, same_site
from .address import Address
from .fetch import send
from .guard import Crowd
from .headers import careful
from .http import LOG, WSMsgType, web
from .hub import Hub
from .record import Recorder

HERE = Path(__file__).parent
FILES = {
    "/words.js": "text/javascript",
    "/tune.js": "text/javascript",
    "/record.js": "text/javascript",
    "/page.js": "text/javascript",
    "/page.css": "text/css",
}
FETCHES = 2  # recordings that are on their way at once
SPARE = 24  # connections beside those of watchers: pages, and sockets that hang
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Limits(NamedTuple):
    """How long clients may take, in seconds.

    Attributes
    ----------
    asking : float
        To ask for something, and to take the answer.
    stuck : float
        To take a picture.
    silence : float
        Until one who watches asks for the next picture.
    news : float
        After which one who watches hears that there is no picture.
    """

    asking: float = 10.0
    stuck: float = 10.0
    silence: float = 30.0
    news: float = 2.0


class Server:
    """Answers browsers; lives in one event loop."""

    def __init__(
        self,
        address: Address,
        hub: Hub,
        recorder: Recorder,
        tuning: Tuning | None,
        lang: str,
        limits: Limits,
    ) -> None:
        """Get ready to answer."""
        self._address, self._hub, self._recorder = address, hub, recorder
        self._tuning, self._limits, self._fetching = tuning, limits, 0
        self._door = Doorkeeper(address.token)
        self._names = Names(*address.names, local=address.is_local)
        self._crowd = Crowd(address.clients + SPARE, limits.asking)
        self._watchers: set[web.WebSocketResponse] = set()
        page = (HERE / "page.html").read_text("utf-8")
        self._page = page.replace('<html lang="en">', f'<html lang="{lang}">')

    async def serve(self, sock: Any, ending: asyncio.Event, ready: Callable[[], object]) -> None:
        """Answer on a bound socket until the event is set."""
        app = web.Application(middlewares=[self._check], client_max_size=4096)
        app.add_routes(
            [
                web.get("/", self._show),
                *(web.get(path, self._file) for path in FILES),
                web.post("/enter", self._enter),
                web.get("/state", self._state),
                web.get("/live", self._live),
                web.post("/tune", self._tune),
                web.post("/record", self._record),
                web.get("/records", self._records),
                web.get("/records/{name}", self._fetch),
            ]
        )
        runner = web.AppRunner(
            app, access_log=None, handle_signals=False, logger=LOG, shutdown_timeout=1.0
        )
        await runner.setup()
        self._hub.begin(self._more)
        factory: Any = runner.server
        self._crowd.receive(sock, factory, self._tls())
        try:
            ready()
            await ending.wait()
        finally:
            self._hub.end()
            await self._crowd.leave(sock)
            await runner.cleanup()

    def _tls(self) -> ssl.SSLContext | None:
        if self._address.cert is None or self._address.key is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._address.cert, self._address.key)
        return context

    @web.middleware
    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse foreign names and pages; one answer a connection, with careful headers."""
        headers = careful(request)
        try:
            if not self._names.allow(request.headers.get("Host", "")):
                raise web.HTTPMisdirectedRequest(text="unknown host name\n")
            if not same_site(request.headers.get("Origin"), request.host):
                raise web.HTTPForbidden(text="another site asks\n")
            answer = await handler(request)
        except web.HTTPException as refused:
            refused.headers.update(headers)
            refused.force_close()
            raise
        if not answer.prepared:
            answer.headers.update(headers)
            answer.force_close()
        return answer

    async def _show(self, _: web.Request) -> web.Response:
        return web.Response(text=self._page, content_type="text/html")

    async def _file(self, request: web.Request) -> web.Response:
        text = (HERE / request.path[1:]).read_text("utf-8")
        return web.Response(text=text, content_type=FILES[request.path])

    async def _enter(self, request: web.Request) -> web.Response:
        """Exchange a token for a cookie."""
        self._let_in(request, str((await _body(request)).get("token", "")))
        answer = web.json_response({})
        answer.set_cookie(
            self._cookie,
            self._door.pass_,
            max_age=30 * 86400,
            httponly=True,
            samesite="Strict",
            secure=self._address.cert is not None,
        )
        return answer

    async def _state(self, request: web.Request) -> web.Response:
        """How the run goes, for scripts: they take nobody's place."""
        self._require(request)
        return web.json_response(self._told())

    async def _record(self, request: web.Request) -> web.Response:
        self._require(request)
        on = (await _body(request)).get("on")
        if self._recorder.to_json() is None:
            raise web.HTTPBadRequest(text="nothing can be recorded here\n")
        if not isinstance(on, bool):
            raise web.HTTPBadRequest(text="expected on as true or false\n")
        act = self._recorder.start if on else self._recorder.stop
        await asyncio.get_running_loop().run_in_executor(None, act)
        return web.json_response(self._told())

    async def _records(self, request: web.Request) -> web.Response:
        """What was recorded."""
        self._require(request)
        files = await asyncio.get_running_loop().run_in_executor(None, self._recorder.files)
        return web.json_response(files)

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        """A recording as it is by now; few at once, for as long as they are taken."""
        self._require(request)
        if self._fetching >= FETCHES:
            raise web.HTTPServiceUnavailable(text=f"{FETCHES} are fetching, and no more may\n")
        name = request.match_info["name"]
        self._fetching += 1
        try:
            loop = asyncio.get_running_loop()
            file = await loop.run_in_executor(None, self._recorder.open, name)
            if file is None:
                raise web.HTTPNotFound(text="there is no such recording\n")
            with file:
                return await send(request, file, name, crowd=self._crowd, stuck=self._limits.stuck)
        finally:
            self._fetching -= 1

    async def _tune(self, request: web.Request) -> web.Response:
        """Change how faces are found and told, from the next frame on."""
        self._require(request)
        if self._tuning is None:
            raise web.HTTPBadRequest(text="nothing can be tuned\n")
        try:
            self._tuning.ask(await _body(request))
        except EdgeferError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        return web.json_response(self._told())

    async def _live(self, request: web.Request) -> web.StreamResponse:
        """A picture each time that the watcher asks for the next one: it sets the pace.

        A page that was not let in asks in plain HTTP for the reason.
        """
        self._require(request)
        self._require_place()
        # Without an origin it is no browser, which is fine; with another one it was refused.
        socket = web.WebSocketResponse(timeout=1.0, max_msg_size=1024, compress=False)
        if not socket.can_prepare(request):
            raise web.HTTPBadRequest(text="this is for the page\n")
        self._watchers.add(socket)
        try:
            await socket.prepare(request)
            self._crowd.keep(request.transport)
            await self._send(socket, {"history": self._hub.history()})
            while (await socket.receive(timeout=self._limits.silence)).type is WSMsgType.TEXT:
                packet = await self._hub.next(self._limits.news)
                if packet is None:
                    await self._send(socket, {})
                else:
                    await asyncio.wait_for(socket.send_bytes(packet), self._limits.stuck)
        except (asyncio.TimeoutError, ConnectionError, RuntimeError):
            # Gone, or stuck: it is not waited for.
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._watchers.discard(socket)
        return socket

    async def _send(self, socket: web.WebSocketResponse, more: dict[str, Any]) -> None:
        text = json.dumps(self._told() | more, ensure_ascii=False)
        await asyncio.wait_for(socket.send_str(text), self._limits.stuck)

    def _told(self) -> dict[str, Any]:
        return self._hub.state() | self._more()

    def _more(self) -> dict[str, Any]:
        return {
            "record": self._recorder.to_json(),
            "tuning": None if self._tuning is None else self._tuning.to_json(),
            "watchers": len(self._watchers),
        }

    @property
    def _cookie(self) -> str:
        return f"edgefer-{self._address.port}"  # a browser keeps those of all ports together

    def _require(self, request: web.Request) -> None:
        """Refuse who neither was let in nor shows the token."""
        if self._door.knows(request.cookies.get(self._cookie, "")):
            return
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise web.HTTPUnauthorized(text="a token is needed\n")
        self._let_in(request, token.strip())

    def _let_in(self, request: web.Request, token: str) -> None:
        who = request.remote or ""
        wait = self._door.wait(who)
        if wait and not self._door.is_open:
            raise web.HTTPTooManyRequests(
                text="too many wrong tokens\n", headers={"Retry-After": str(wait)}
            )
        if not self._door.lets(token, who):
            raise web.HTTPUnauthorized(text="the token is another\n")

    def _require_place(self) -> None:
        if len(self._watchers) >= self._address.clients:
            raise web.HTTPServiceUnavailable(
                text=f"{self._address.clients} are watching, and no more may\n"
            )


async def _body(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request; a form of another site cannot send one."""
    body: Any = None
    if request.content_type == "application/json":
        # Not request.json(): the encoding that a client names need not exist.
        with suppress(ValueError, RecursionError, web.RequestPayloadError):
            body = json.loads(await request.read())
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="expected a JSON object\n")
    return body
