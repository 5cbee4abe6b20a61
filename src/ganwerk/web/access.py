"""Who may come in: everything that is checked before a request reaches the page.

A page on the own machine can be reached by every website that the user has open. What keeps them
out: the Host header must be a name of this machine (a name that an attacker points here is not),
a change must come from the page itself (Sec-Fetch-Site and Origin), and every request must carry a
cookie that only the printed address or the password gives, and that no other site can send.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ganwerk.data.cache import cache_home
from ganwerk.run.files import disk_errors

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
SAFE = ("GET", "HEAD")
SECRET_BYTES = 32
OPEN_PATHS = ("/enter", "/static/page.css", "/static/enter.js", "/static/icon.svg")
"""What is shown to somebody who has no cookie yet."""

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def lasting_secret() -> bytes:
    """SECRET_BYTES random bytes of this user's, the same after a restart, so that open pages go on.

    Raises MachineError if they cannot be kept."""
    path = cache_home(None) / "web-secret"
    kept = _kept(path)
    if kept is not None:
        return kept
    fresh = path.with_name(f"{path.name}-{secrets.token_hex(4)}")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
        os.replace(fresh, path)  # of two that begin at once the later one counts, for both
        return path.read_bytes()


def _kept(path: Path) -> bytes | None:
    with suppress(OSError):
        found = path.read_bytes()
        return found if len(found) == SECRET_BYTES else None
    return None


@dataclass(frozen=True)
class Access:
    """host, port: where the page listens. password: asked for instead of the token."""

    host: str
    port: int
    secret: bytes
    password: str | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def cookie_name(self) -> str:
        """Cookies are of a host, whatever its port: two pages must not share one."""
        return f"ganwerk-{self.port}"

    @property
    def cookie(self) -> str:
        """Another one once the password is another one."""
        about = f"page {self.port} {self.password or ''}"
        return hmac.new(self.secret, about.encode(), hashlib.sha256).hexdigest()

    @property
    def address(self) -> str:
        """What to open."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        name = "127.0.0.1" if shown in ("0.0.0.0", "[::]") else shown
        entry = "" if self.password else f"?token={self.token}"
        return f"http://{name}:{self.port}/{entry}"

    def accepts_token(self, token: str) -> bool:
        return self.password is None and _same(token, self.token)

    def accepts_password(self, password: str) -> bool:
        return self.password is not None and _same(password, self.password)

    def is_host(self, host: str) -> bool:
        """Whether a Host header names this machine. An address in digits cannot be pointed
        elsewhere by a name server; beyond the own machine any of them may be ours."""
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        if name in LOOPBACK or name in (self.host, f"[{self.host}]"):
            return True
        return self.password is not None and _is_address(name.strip("[]"))


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same(given: str, kept: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), kept.encode())


class Guard:
    """Refuses what may not come in, and gives every answer its headers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no web sockets here
            await send({"type": "websocket.close", "code": 1008})
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await _refuse(protected, scope, *refusal)
        else:
            await self._app(scope, receive, protected)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and sentence, or None for whoever may come in."""
        access, headers = self._access, Headers(scope=scope)
        method, path = scope["method"], scope["path"]
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not access.is_host(host):
            return 400, "This page does not answer to that name. Open the address it printed."
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if method not in SAFE:
            if origin != f"http://{host}" or site not in (None, "same-origin"):
                return 403, "Changes are taken from the page itself alone."
        elif site in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate":
            return 403, "Another site cannot read this page."
        if path in OPEN_PATHS or (path == "/" and b"token=" in scope["query_string"]):
            return None
        given = cookies(headers.getlist("cookie")).get(access.cookie_name, "")
        return None if _same(given, access.cookie) else (401, "enter")


def cookies(lines: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        found |= cookie_parser(line)
    return found


async def _refuse(send: Send, scope: Scope, status: int, sentence: str) -> None:
    """A sentence; whoever opens the page itself without a cookie is sent to where it is had."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    if sentence == "enter":
        sentence = "Open the address that `ganwerk serve` printed."
        if scope["path"] == "/":
            status = 303
            headers.append((b"location", b"/enter"))
    body = sentence.encode()
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
