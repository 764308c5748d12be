"""pika at the edges: the platform's AMQP URIs, and content properties that stay as they came.

Source: https://pika.readthedocs.io/en/stable/modules/parameters.html
"""

from __future__ import annotations

import socket
import struct
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pika
from pika import frame
from pika.adapters.select_connection import SelectConnection
from pika.exceptions import InvalidFrameError

from ecs_connector.errors import SettingsError

_CONNECT_TIMEOUT_S = 10
#: TCP, TLS and AMQP together.
_OPEN_TIMEOUT_S = 20
_FRAME_OVERHEAD = 8
_HEADER_FRAME = b"\x02"
_FRAME_END = 0xCE


class Batch:
    """A stretch of the I/O thread's work after which all connections write what they hold."""

    def __init__(self) -> None:
        self.is_open = False
        self.writers: list[Connection] = []

    def __enter__(self) -> None:
        self.is_open = True

    def __exit__(self, *_: object) -> None:
        self.is_open = False
        writers, self.writers = self.writers, []
        for writer in writers:
            writer.flush()


class Connection(SelectConnection):  # type: ignore[misc]  # pika ships no type information
    """Hands on content properties undecoded, see `fieldtable`, and writes frames together.

    pika writes each frame on its own, and each write gives the interpreter to a worker that keeps it
    for a while: with a prefetch of 20 that was most of what a message cost.
    """

    def __init__(self, *arguments: Any, batch: Batch, **named: Any) -> None:
        self._batch = batch
        self._held: list[bytes] = []
        super().__init__(*arguments, **named)

    def flush(self) -> None:
        """Write what was held."""
        held, self._held = self._held, []
        if held and self._transport is not None:
            super()._output_marshaled_frames([b"".join(held)])

    def _output_marshaled_frames(self, marshaled_frames: list[bytes]) -> None:
        if not self._batch.is_open:
            super()._output_marshaled_frames([b"".join(marshaled_frames)])
            return
        if not self._held:
            self._batch.writers.append(self)
        self._held += marshaled_frames

    def _read_frame(self) -> tuple[int, Any]:
        data = self._frame_buffer
        if data[:1] != _HEADER_FRAME:
            decoded: tuple[int, Any] = frame.decode_frame(data)
            return decoded
        if len(data) < _FRAME_OVERHEAD:
            return 0, None
        channel, size = struct.unpack_from(">HI", data, 1)
        end = size + _FRAME_OVERHEAD
        if len(data) < end:
            return 0, None
        if data[end - 1] != _FRAME_END:
            raise InvalidFrameError("Invalid FRAME_END marker")
        (body_size,) = struct.unpack_from(">Q", data, 11)
        return end, frame.Header(channel, body_size, data[19 : end - 1])


def connection_parameters(uri: str, name: str) -> pika.URLParameters:
    """Return pika's parameters for an AMQP URI of the platform.

    Raises:
        SettingsError: It is not an AMQP URI.
    """
    try:
        parts = urlsplit(uri)
        if parts.scheme not in ("amqp", "amqps"):
            raise ValueError(parts.scheme)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        # The platform's options are named as in Node.js; a heartbeat of 0 means the server's choice there.
        options = {
            ours: query[theirs]
            for theirs, ours in (("heartbeat", "heartbeat"), ("frameMax", "frame_max"), ("channelMax", "channel_max"))
            if query.get(theirs, "0") != "0"
        }
        parameters = pika.URLParameters(urlunsplit(parts._replace(query=urlencode(options))))
    except (ValueError, TypeError, AttributeError) as error:
        raise SettingsError("ELASTICIO_AMQP_URI is not an AMQP URI.", field="ELASTICIO_AMQP_URI") from error
    parameters.connection_attempts = 1
    parameters.socket_timeout = _CONNECT_TIMEOUT_S
    parameters.stack_timeout = _OPEN_TIMEOUT_S
    parameters.client_properties = {"connection_name": f"{socket.gethostname()}-{name}"}
    return parameters
