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


class Connection(SelectConnection):  # type: ignore[misc]  # pika ships no type information
    """Hands on content properties undecoded, see `fieldtable`."""

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
