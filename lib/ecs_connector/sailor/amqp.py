"""pika at the edges: the platform's AMQP URIs, and content properties that stay as they came.

Source: https://pika.readthedocs.io/en/stable/modules/parameters.html
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pika
from pika import frame
from pika.adapters.select_connection import SelectConnection
from pika.adapters.utils.io_services_utils import _AsyncPlaintextTransport
from pika.channel import Channel as PikaChannel
from pika.exceptions import InvalidFrameError

from ecs_connector.errors import SettingsError
from ecs_connector.sailor import frames

_CONNECT_TIMEOUT_S = 10
#: TCP, TLS and AMQP together.
_OPEN_TIMEOUT_S = 20
_RECEIVE_BYTES = 1 << 15
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


class Channel(PikaChannel):  # type: ignore[misc]  # pika ships no type information
    """A channel whose messages, settlements and confirms go past pika's objects, see `frames`."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.confirmed: Callable[[int, bool, bool], None] | None = None
        self.delivered: Callable[[int, bool, bytes, bytes], None] | None = None

    def select_confirms(self, on_confirm: Callable[[int, bool, bool], None], then: Callable[[], None]) -> None:
        """Turn on confirms: each is told with its tag, whether it is for all before, and whether it is a yes."""
        self.confirmed = on_confirm
        self.confirm_delivery(
            lambda found: on_confirm(
                found.method.delivery_tag, found.method.multiple, found.method.NAME == "Basic.Ack"
            ),
            callback=lambda _: then(),
        )

    def consume(
        self, queue: str, on_delivery: Callable[[int, bool, bytes, bytes], None], then: Callable[[], None]
    ) -> str:
        """Consume a queue, once per channel: each delivery is told with tag, redelivered, properties and body."""

        def deliver(_: Any, method: Any, properties: bytes, body: bytes) -> None:
            on_delivery(method.delivery_tag, method.redelivered, properties, body)

        tag: str = self.basic_consume(queue, deliver, auto_ack=False, callback=lambda _: then())
        self.delivered = on_delivery
        return tag

    def basic_cancel(self, *arguments: Any, **named: Any) -> None:
        """Cancel the consumer; what still comes is pika's to hand back."""
        self.delivered = None
        super().basic_cancel(*arguments, **named)

    def publish(self, exchange: str, routing_key: str, body: bytes, properties: bytes, *, mandatory: bool) -> None:
        """Publish a message with encoded properties, on an open channel."""
        connection = self.connection
        connection.write(
            frames.publish(
                self.channel_number,
                exchange,
                routing_key,
                mandatory=mandatory,
                properties=properties,
                body=body,
                body_limit=connection.body_limit,
            )
        )

    def ack(self, tag: int) -> None:
        """Acknowledge a delivery, on an open channel."""
        self.connection.write(frames.ack(self.channel_number, tag))

    def reject(self, tag: int, *, requeue: bool) -> None:
        """Reject a delivery, on an open channel."""
        self.connection.write(frames.reject(self.channel_number, tag, requeue=requeue))


class Connection(SelectConnection):  # type: ignore[misc]  # pika ships no type information
    """Hands on content properties undecoded, see `fieldtable`, and writes frames together.

    pika writes each frame on its own, and each write gives the interpreter to a worker that keeps it
    for a while: with a prefetch of 20 that was most of what a message cost.
    """

    _frame_buffer: bytes

    def __init__(self, *arguments: Any, batch: Batch, **named: Any) -> None:
        self._batch = batch
        self._held: list[bytes] = []
        self._is_plain = False
        super().__init__(*arguments, **named)

    @property
    def body_limit(self) -> int:
        """What one body frame may hold."""
        limit: int = self._body_max_length
        return limit

    def write(self, frame_bytes: bytes) -> None:
        """Write frames, or hold them until the batch is over."""
        if not self._batch.is_open:
            self._send(frame_bytes)
            return
        if not self._held:
            self._batch.writers.append(self)
        self._held.append(frame_bytes)

    def flush(self) -> None:
        """Write what was held."""
        held, self._held = self._held, []
        if held and self._transport is not None:
            self._send(b"".join(held))

    def _send(self, data: bytes) -> None:
        self.bytes_sent += len(data)
        transport = self._transport
        if self._is_plain and not transport.get_write_buffer_size():
            data = data[_sent_at_once(transport, data) :]
        if data:
            transport.write(data)

    def _proto_connection_made(self, transport: Any) -> None:
        self._is_plain = isinstance(transport, _AsyncPlaintextTransport)
        if self._is_plain:
            _read_once_per_event(transport)
        super()._proto_connection_made(transport)

    def _output_marshaled_frames(self, marshaled_frames: list[bytes]) -> None:
        self.write(b"".join(marshaled_frames))

    def _create_channel(self, number: int, on_open: Callable[[Any], None]) -> Channel:
        return Channel(self, number, on_open)

    def _on_data_available(self, data_in: bytes) -> None:
        # Counted as it comes: the heartbeat checker takes a connection for dead on which nothing does.
        self.bytes_received += len(data_in)
        self._frame_buffer += data_in
        while self._frame_buffer:
            events, size, is_other = frames.scan(self._frame_buffer, self._channels)
            if size:
                self._trim_frame_buffer(size)
                for call, arguments in events:
                    call(*arguments)
            elif not is_other or not self._take_other():
                return

    def _take_other(self) -> bool:
        size, found = self._read_frame()
        if found is None:
            return False
        self._trim_frame_buffer(size)
        self._process_frame(found)
        return True

    def _trim_frame_buffer(self, byte_count: int) -> None:
        self._frame_buffer = self._frame_buffer[byte_count:]

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


def _sent_at_once(transport: Any, data: bytes) -> int:
    # pika has no way to write but to ask the system whether it may, and then to be asked no more: three calls for one.
    if transport._state != transport._STATE_ACTIVE:  # noqa: SLF001 - pika has no name for it
        return 0
    try:
        sent: int = transport._sock.send(data)  # noqa: SLF001 - see above
    except OSError:
        # Full, or broken: pika finds out which when it tries in turn.
        return 0
    return sent


def _read_once_per_event(transport: Any) -> None:
    # pika reads in small pieces until there is no more, which takes a call to find out; the loop asks anyway.
    transport._MAX_RECV_BYTES = _RECEIVE_BYTES  # noqa: SLF001 - pika has no setting for it
    transport._MAX_CONSUME_BYTES = 1  # noqa: SLF001 - see above


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
    if parts.scheme == "amqps":
        from ecs_connector.sailor import tls

        parameters.ssl_options = pika.SSLOptions(tls.context(), parameters.host)
    parameters.connection_attempts = 1
    parameters.socket_timeout = _CONNECT_TIMEOUT_S
    parameters.stack_timeout = _OPEN_TIMEOUT_S
    parameters.client_properties = {"connection_name": f"{socket.gethostname()}-{name}"}
    return parameters
