"""The embedded endpoint on a socket.

One thread accepts, one more per connection answers; connections are kept alive. It listens on loopback
unless told otherwise.
"""

from __future__ import annotations

import importlib.util
import socket
import struct
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from ecs_connector.clock import Clock
from ecs_connector.errors import ConfigError
from ecs_connector.harness.local.endpoint import Endpoint
from ecs_connector.harness.local.moto_route import load_moto
from ecs_connector.harness.local.scenario import Scenario, parse_fault
from ecs_connector.harness.local.state import Json, World
from ecs_connector.harness.local.wire import BadRequest, Reply, RequestLog, read_request

#: Makes close() send a reset instead of an orderly end.
_RESET = struct.pack("ii", 1, 0)
_BACKLOG = 256


class LocalEcs:
    """An ECS endpoint of one's own, for the length of a `with` block.

    Args:
        port: 0 picks a free one.
        scenario: How it behaves; without one, tasks run for a second and succeed.
        clock: What the life of tasks follows; a `ManualClock` puts a test in charge.
    """

    def __init__(
        self, port: int = 0, scenario: Scenario | None = None, clock: Clock | None = None, *, host: str = "127.0.0.1"
    ) -> None:
        self._host = host
        self._port = port
        self._endpoint = Endpoint(scenario if scenario is not None else Scenario(), clock)
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()

    # -- what a test looks at and turns ----------------------------------------------------------------

    @property
    def url(self) -> str:
        """Return the endpoint URL, without a trailing slash."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    @property
    def requests(self) -> RequestLog:
        return self._endpoint.requests

    @property
    def clock(self) -> Any:
        return self._endpoint.clock

    @property
    def world(self) -> World:
        return self._endpoint.world

    @property
    def clock_skew_s(self) -> float | None:
        """The endpoint's clock minus the true one; not None turns the check of request dates on."""
        return self._endpoint.clock_skew_s

    @clock_skew_s.setter
    def clock_skew_s(self, seconds: float | None) -> None:
        self._endpoint.clock_skew_s = seconds

    def inject(self, fault: Mapping[str, Any] | None = None, **fields: Any) -> None:
        """Add a fault, with the fields of an entry of the scenario's `faults`.

        Raises:
            ConfigError: The fields are no fault.
        """
        rule = parse_fault({**(fault or {}), **fields})
        with self.world.lock:
            self._endpoint.fault_book.add(rule)

    def call(self, operation: str, body: Json | None = None, *, region: str = "us-east-1") -> Json:
        """Answer an ECS operation without HTTP, identity and faults, for setting a scene."""
        return self._endpoint.call(operation, body, region=region)

    def reset(self) -> None:
        """Forget everything, injected faults too, and begin the scenario again."""
        self._endpoint.reset()

    # -- life ---------------------------------------------------------------------------------------

    def start(self) -> LocalEcs:
        """Open the port.

        Raises:
            ConfigError: The port is taken or may not be used, or moto is not installed.
        """
        if importlib.util.find_spec("moto") is None:
            raise ConfigError("The embedded ECS endpoint needs moto: install ecs-connector[local].")
        self._listener = _listen(self._host, self._port)
        self._port = self._listener.getsockname()[1]
        # moto is slow to import; most clients take a moment before their first call.
        threading.Thread(target=load_moto, name="local-ecs-warm", daemon=True).start()
        self._spawn(self._accept, self._listener, name="local-ecs-accept")
        return self

    def stop(self) -> None:
        """Close the port and every connection, and wait for the threads."""
        self._endpoint.stopping.set()
        if self._listener is not None:
            # shutdown wakes the thread that is in accept; closing alone does not.
            _quietly(self._listener.shutdown, socket.SHUT_RDWR)
            self._listener.close()
        with self._lock:
            connections, threads = list(self._connections), list(self._threads)
        for connection in connections:
            _quietly(connection.shutdown, socket.SHUT_RDWR)
        for thread in threads:
            thread.join(timeout=5)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- threads --------------------------------------------------------------------------------------

    def _spawn(self, target: Any, *args: Any, name: str) -> None:
        def run() -> None:
            try:
                target(*args)
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, name=name, daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while not self._endpoint.stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(connection)
            self._spawn(self._converse, connection, name="local-ecs-connection")

    def _converse(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as stream, connection.makefile("wb", buffering=0) as sink:
                while not self._endpoint.stopping.is_set():
                    request = read_request(stream, sink)  # type: ignore[arg-type]  # an unbuffered file writes too
                    if request is None:
                        break
                    reply = self._endpoint.respond(request)
                    reply.close |= request.headers.get("connection", "").lower() == "close"
                    if not _send(connection, reply):
                        break
        except (OSError, BadRequest):
            # The client went away, or never was one; there is nobody to tell.
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()


def _send(connection: socket.socket, reply: Reply) -> bool:
    """Send a reply; return whether the connection goes on."""
    if reply.dropped:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        return False
    body = reply.body if reply.cut_after is None else reply.body[: reply.cut_after]
    connection.sendall(reply.head() + body)
    return reply.cut_after is None and not reply.close


def _quietly(act: Any, *args: Any) -> None:
    try:
        act(*args)
    except OSError:
        pass  # It is closed already, which is what was wanted.


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigError(
            f"The embedded ECS endpoint cannot use port {port} on {host}: {error}. "
            "Stop what uses the port, or choose another with --port (0 picks a free one).",
            field="port",
        ) from error
    return listener
