"""The I/O thread, and a connection with one channel that it keeps alive.

One thread owns the event loop and everything of pika; other threads hand it calls. A link that is
lost comes back with a growing pause; one that stays away too long is reported dead, and the process
ends so that the platform starts another.

Source: https://www.rabbitmq.com/docs/connections
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pika
from pika.adapters.select_connection import IOLoop
from pika.exceptions import ChannelClosedByBroker

from ecs_connector.context import Logger
from ecs_connector.sailor.amqp import Batch, Connection
from ecs_connector.sailor.lost import why

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class IoThread:
    """The one thread that pika's connections live on."""

    def __init__(self, on_crash: Callable[[BaseException], None]) -> None:
        self.loop = IOLoop()
        self.batch = Batch()
        self._calls: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._woken = False
        self._on_crash = on_crash
        self._thread = threading.Thread(target=self._run, name="amqp", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def call(self, function: Callable[..., None], *args: Any) -> None:
        """Run a function on the I/O thread, soon; in the order of the calls."""
        self._calls.append((function, args))
        # One wake-up serves all calls that come before it is handled.
        if not self._woken:
            self._woken = True
            self.loop.add_callback_threadsafe(self._drain)

    def later(self, delay_s: float, function: Callable[[], None]) -> None:
        """Run a function after a while; only from the I/O thread."""
        self.loop.call_later(delay_s, function)

    def stop(self, timeout_s: float) -> None:
        """End the loop and wait for the thread."""
        self.call(self.loop.stop)
        self._thread.join(timeout_s)

    def _drain(self) -> None:
        self._woken = False
        calls = self._calls
        with self.batch:
            while calls:
                function, args = calls.popleft()
                function(*args)

    def _run(self) -> None:
        try:
            self.loop.start()
        except Exception as error:  # noqa: BLE001 - marked place: whatever it is, the process must not live on deaf
            self._on_crash(error)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a broker that is away is waited for."""

    #: Tries before the link has ever been up.
    first_attempts: int
    first_pause_s: float
    #: Time without a working channel after it has been up.
    give_up_s: float


class Link:
    """One connection with one channel; its owner is told of each new channel and of each loss."""

    def __init__(
        self,
        io: IoThread,
        parameters: pika.URLParameters,
        *,
        name: str,
        patience: Patience,
        log: Logger,
        monotonic: Callable[[], float],
        on_channel: Callable[[Any], None],
        on_lost: Callable[[str, bool], None],
        on_dead: Callable[[str], None],
    ) -> None:
        self.name = name
        self.channel: Any = None
        self._io = io
        self._parameters = parameters
        self._address = f"{parameters.host}:{parameters.port}"
        self._patience = patience
        self._log = log
        self._monotonic = monotonic
        self._on_channel = on_channel
        self._on_lost = on_lost
        self._on_dead = on_dead
        self._connection: Any = None
        self._closing = False
        #: Set when `close` has done its work.
        self.closed = threading.Event()
        self._failures = 0
        self._was_up = False
        self._down_since: float | None = None

    # Everything below runs on the I/O thread.

    def open(self) -> None:
        """Connect, or open another channel on the connection that is there."""
        if self._closing:
            return
        if self._connection is not None and self._connection.is_open:
            self._open_channel(self._connection)
            return
        self._connection = Connection(
            self._parameters,
            on_open_callback=self._open_channel,
            on_open_error_callback=self._failed,
            on_close_callback=self._failed,
            custom_ioloop=self._io.loop,
            batch=self._io.batch,
        )

    def healthy(self) -> None:
        """Take note, from the owner, that the channel does what it is for."""
        self._failures = 0
        self._was_up = True
        if self._down_since is not None:
            self._log.info("The %s connection to the broker is back.", self.name)
        self._down_since = None

    def drop_channel(self, reason: str) -> None:
        """Give up the channel and open another one after a pause."""
        channel, self.channel = self.channel, None
        if channel is not None and channel.is_open:
            channel.close()
        self._lost(reason)

    def close(self) -> None:
        """Close the connection for good; the broker takes back what is not settled."""
        self._closing = True
        self.channel = None
        connection = self._connection
        if connection is None or connection.is_closed:
            self.closed.set()
        elif not connection.is_closing:
            connection.close()

    def _open_channel(self, connection: Any) -> None:
        if self._closing:
            connection.close()
            return
        connection.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel: Any) -> None:
        channel.add_on_close_callback(self._channel_closed)
        if self._closing:
            return
        self.channel = channel
        self._on_channel(channel)

    def _channel_closed(self, channel: Any, reason: Exception) -> None:
        # A closed connection closes its channel first; it reports itself.
        if self.channel is channel and self._connection.is_open:
            self.channel = None
            self._lost(why(reason), refused=isinstance(reason, ChannelClosedByBroker))

    def _failed(self, connection: Any, reason: BaseException | str) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        self.channel = None
        if self._closing:
            self.closed.set()
        self._lost(why(reason))

    def _lost(self, reason: str, *, refused: bool = False) -> None:
        if self._closing:
            return
        self._on_lost(reason, refused)
        now = self._monotonic()
        if self._down_since is None:
            self._down_since = now
        self._failures += 1
        patience = self._patience
        if not self._was_up:
            dead, pause = self._failures > patience.first_attempts, patience.first_pause_s
        else:
            dead = now - self._down_since >= patience.give_up_s
            pause = min(_FIRST_PAUSE_S * 2.0 ** (self._failures - 1), _LONGEST_PAUSE_S)
        if dead:
            self._closing = True
            self._on_dead(f"The {self.name} connection to the broker at {self._address} cannot be had: {reason}")
            return
        what = "is lost" if self._was_up else "cannot be made"
        self._log.warning(
            "The %s connection to the broker %s (%s); next try in %.1f s.", self.name, what, reason, pause
        )
        self._io.later(pause, self.open)
