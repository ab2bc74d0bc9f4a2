"""The connections of the server: the head of a request is bounded in size and time, which the parser under it leaves open."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 15.0


class Listener(HttpToolsProtocol):
    """One connection. It is closed when the head of a request grows too large or does not end in time."""

    head_seconds = HEAD_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = None
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._head_is_whole()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head, and parse."""
        if self._in_head:
            self._bytes += len(data)
            if self._bytes > HEAD_BYTES + self.most_body_bytes(data):
                self.send_400_response("The head of the request is too large.")
                return
        super().data_received(data)

    def most_body_bytes(self, data: bytes) -> int:
        """Return how much of the last piece may be a body that came along with its head."""
        end = data.find(b"\r\n\r\n")
        return len(data) - end if end >= 0 else 0

    def on_message_begin(self) -> None:
        """Begin to wait for the head of a further request on this connection."""
        super().on_message_begin()
        if not self._in_head:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Hand the request on."""
        self._head_is_whole()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._in_head, self._bytes = True, 0
        self._timer = self.loop.call_later(self.head_seconds, self._too_slow)

    def _head_is_whole(self) -> None:
        self._in_head = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        transport: Any = self.transport
        if transport is not None and not transport.is_closing():
            transport.close()
