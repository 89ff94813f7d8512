"""The terminal UI in a browser of this machine, through textual-serve: on loopback, behind a random token.

Loopback is shared by all users of a host, so the address alone lets nobody in: the first request carries the token in
its URL, gets it back as a cookie that scripts can't read, and every other request (page, websocket, files) must bring
that cookie. Requests for another host name are refused, so that a page elsewhere can't reach it by its name (DNS
rebinding).
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from aiohttp import web
from textual_serve.server import Server

from workbench.errors import UsageError

HOST = "127.0.0.1"
_FONT_LINK = re.compile(r"<link[^>]*fonts\.googleapis\.com[^>]*>")
_HEAD = """<style>@font-face { font-family: "Roboto Mono"; font-weight: 100 700;
  src: url("static/fonts/RobotoMono-VariableFont_wght.ttf"); }</style>
<script>addEventListener("load", () => { const wait = setInterval(() => {
  const line = document.querySelector(".xterm-helper-textarea");
  if (line) { line.focus(); clearInterval(wait); } }, 50); });</script>"""
"""The font from here and not from a server elsewhere; and keys go to the terminal without a click on it."""
COOKIE = "workbench"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PrivateServer(Server):
    """A textual-serve server that admits only who has the token.

    Args:
        command: what runs in the browser.
        listening: a socket of loopback that listens already, so that the address holds as soon as it is said.
        token: the secret.
    """

    def __init__(self, command: str, listening: socket.socket, token: str) -> None:
        port = int(listening.getsockname()[1])
        super().__init__(command, host=HOST, port=port, title="workbench")
        self.listening = listening
        self.token = token
        self.cookie = f"{COOKIE}-{port}"  # cookies are shared by all ports of a host
        names = (HOST, "localhost")
        self.hosts = {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())

    def serve(self, debug: bool = False) -> None:
        """Serve until SIGINT or SIGTERM."""
        del debug
        self.initialize_logging()
        loop = asyncio.new_event_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):  # Windows; Ctrl-C ends it there all the same
                loop.add_signal_handler(number, self.request_exit)
        web.run_app(
            self._make_app(),
            sock=self.listening,
            handle_signals=False,
            loop=loop,
            print=lambda *args: None,
            access_log=None,
        )

    @property
    def address(self) -> str:
        """Return the URL with the token."""
        return f"{self.public_url}/?token={self.token}"

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard())
        return app

    async def handle_index(self, request: web.Request) -> web.Response:
        """Return the page, which loads nothing from elsewhere."""
        page = cast("web.Response", await super().handle_index(request))
        page.text = _FONT_LINK.sub(_HEAD, page.text or "")
        page.headers["Content-Security-Policy"] = (
            f"default-src 'self' 'unsafe-inline'; connect-src 'self' ws://{request.host}; img-src 'self' data:; "
            "font-src 'self' data:; frame-ancestors 'none'"
        )
        return page

    def _guard(self) -> Any:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.host not in self.hosts:
                raise web.HTTPForbidden(text="This page is only for the machine it runs on.")
            origin = request.headers.get("Origin")
            if origin is not None and origin not in (f"http://{request.host}",):
                raise web.HTTPForbidden(text="Another page may not connect to this one.")
            if _same(request.query.get("token", ""), self.token) and request.path == "/":
                response = web.HTTPFound("/")
                response.set_cookie(self.cookie, self.token, httponly=True, samesite="Strict", path="/")
                return response
            if not _same(request.cookies.get(self.cookie, ""), self.token):
                raise web.HTTPForbidden(
                    text="The address lacks its token. Open the address that was printed."
                )
            found = await handler(request)
            if not isinstance(found, web.WebSocketResponse):
                found.headers["Referrer-Policy"] = "no-referrer"
            return found

        return guard

    def initialize_logging(self) -> None:
        """Log no requests: they would show the token."""

    async def on_startup(self, app: web.Application) -> None:
        """Print the URL."""
        sys.stderr.write(
            f"workbench runs at  {self.address}\nOnly this address gives access. Press Ctrl-C to stop.\n"
        )
        sys.stderr.flush()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def listen(port: int = 0) -> socket.socket:
    """Return a socket that listens on a loopback port; 0 for any free one.

    Raises:
        UsageError: the port can't be had.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise UsageError(
            f"Cannot listen on port {port}: {reason}.", hint="Leave out --port to use a free port."
        ) from None
    return listening


def serve(paths: Sequence[Path], port: int = 0, *, theme: str = "", ascii: bool = False) -> int:
    """Serve until Ctrl-C and return the exit code."""
    words = [sys.executable, "-m", "workbench", "tui", *(str(path.absolute()) for path in paths)]
    words += ["--theme", theme] if theme else []
    words += ["--ascii"] if ascii else []
    PrivateServer(shlex.join(words), listen(port), secrets.token_urlsafe(24)).serve()
    return 0
