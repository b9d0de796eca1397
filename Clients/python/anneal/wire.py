"""HTTP to an Anneal server, with nothing but the standard library."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_URL = "http://127.0.0.1:8080"


def default_url() -> str:
    """The server that is meant where none is named: the environment's ANNEAL_URL, else this machine's port 8080."""
    return os.environ.get("ANNEAL_URL") or DEFAULT_URL


class Problem(Exception):
    """What the server says is wrong (RFC 9457): `kind` is the last part of its type, such as `invalid-field`."""

    def __init__(self, status: int, document: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.type = str(document.get("type", "about:blank"))
        self.kind = self.type.rpartition(":")[2]
        self.title = str(document.get("title", http.client.responses.get(status, "")))
        self.detail = str(document.get("detail", ""))
        self.pointer: str | None = document.get("pointer")
        self.parameter: str | None = document.get("parameter")
        self.suggestion: str | None = document.get("suggestion")
        self.retry_after = retry_after
        super().__init__(status, document, retry_after)

    def __str__(self) -> str:
        place = self.pointer or self.parameter
        return f"{self.status} {self.title}: {self.detail}" + (f" (at {place})" if place else "")


class Unreachable(ConnectionError):
    """No server answers at the URL."""


@dataclass(frozen=True)
class Answer:
    """A successful answer."""

    status: int
    content: bytes
    media_type: str

    def json(self) -> Any:
        return json.loads(self.content)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("anneal", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Wire:
    """One connection that is kept open, and made anew where it has broken. Safe to use from several threads.

    Args:
        url: `http://…`, `https://…`, or `unix:/path` for a Unix socket. A path is put before every request's.
        token: a bearer token; else the environment's ANNEAL_TOKEN.
        timeout: seconds without an octet after which a request has failed.
        tls: what to trust, and a client's certificate; else the system's certificates.
    """

    def __init__(
        self, url: str, token: str | None = None, timeout: float = 5, tls: ssl.SSLContext | None = None
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https", "unix"):
            raise ValueError(f"the server's URL is http://…, https://… or unix:/path, not {url!r}")
        if parts.scheme != "unix" and not parts.hostname:
            raise ValueError(f"the server's URL names no host: {url!r}")
        self.url = url.rstrip("/")
        self.token = token or os.environ.get("ANNEAL_TOKEN")
        self.timeout = timeout
        self._parts = parts
        self._prefix = "" if parts.scheme == "unix" else parts.path.rstrip("/")
        self._tls = tls
        self._connection: http.client.HTTPConnection | None = None
        self._lock = threading.Lock()

    def ask(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
        patience: float = 0,
    ) -> Answer:
        """Sends a request and returns the answer.

        A connection that the server has closed meanwhile is made anew once; so every request has to be one that may
        arrive twice, as all of a trainer's are.

        Args:
            patience: seconds more than usual that the answer may take, for a long poll.

        Raises:
            Problem: the server refuses.
            OSError, http.client.HTTPException: there is no answer.
        """
        body = None
        if content is not None:
            body = content if isinstance(content, bytes) else json.dumps(content, allow_nan=False).encode()
        fields = {"Accept": accept, "User-Agent": "anneal-client", **(headers or {})}
        if body is not None:
            fields["Content-Type"] = "application/json"
        if self.token:
            fields["Authorization"] = f"Bearer {self.token}"
        with self._lock:
            reused = self._connection is not None
            try:
                return self._exchange(method, path, body, fields, patience)
            except (ConnectionError, http.client.BadStatusLine, http.client.CannotSendRequest):
                if not reused:
                    raise
                return self._exchange(method, path, body, fields, patience)

    def close(self) -> None:
        """Closes the connection; the next request opens one."""
        with self._lock:
            self._drop()

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str], patience: float) -> Answer:
        connection = self._connection or self._connect()
        self._connection = connection
        try:
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(self.timeout + patience)
            connection.request(method, self._prefix + path, body, headers)
            response = connection.getresponse()
            received = response.read()
        except BaseException:
            # Also when it is interrupted: the rest of this answer must not be taken for the next one's.
            self._drop()
            raise
        if response.will_close:
            self._drop()
        media_type = response.headers.get_content_type()
        if response.status >= 300:
            raise Problem(response.status, _document(received, media_type), _seconds(response.getheader("Retry-After")))
        return Answer(response.status, received, media_type)

    def _connect(self) -> http.client.HTTPConnection:
        if self._parts.scheme == "unix":
            return _UnixConnection(self._parts.path, self.timeout)
        host = self._parts.hostname or ""
        if self._parts.scheme == "https":
            context = self._tls or ssl.create_default_context()
            return http.client.HTTPSConnection(host, self._parts.port, timeout=self.timeout, context=context)
        return http.client.HTTPConnection(host, self._parts.port, timeout=self.timeout)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _document(content: bytes, media_type: str) -> Mapping[str, Any]:
    """The problem document; a proxy's page is told by its status alone."""
    if media_type.endswith("json"):
        try:
            document = json.loads(content)
        except ValueError:
            return {}
        if isinstance(document, dict):
            return document
    return {}


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text is not None else None
    except ValueError:
        return None


#: What `Wire.ask` raises where there is no answer.
NO_ANSWER = (OSError, http.client.HTTPException)
