"""Headers of every answer: nothing from anywhere else, nothing kept, nothing guessed."""

import re

from .http import web

HEADERS = {
    "Server": "edgefer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def careful(request: web.Request) -> dict[str, str]:
    """Headers of every answer."""
    return HEADERS | {"Content-Security-Policy": _policy(request.headers.get("Host", ""))}


def _policy(host: str) -> str:
    """Nothing from anywhere else; older Safari does not count sockets as 'self'."""
    sockets = f"ws://{host} wss://{host}" if re.fullmatch(r"[\w.:\[\]-]+", host) else ""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self' {sockets}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
