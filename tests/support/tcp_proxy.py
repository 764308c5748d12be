"""A TCP proxy whose connections can be cut, refused and held."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class TcpProxy:
    """Hands bytes between clients and one target, as long as it is told to."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._open = True
        self._down = False
        self._flowing = threading.Event()
        self._flowing.set()
        self._hold_at: tuple[bytes, bool] | None = None
        #: Set once the bytes of `hold_at` have come.
        self.held = threading.Event()
        self.accepted = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @staticmethod
    def _listen(port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        listener.settimeout(0.1)
        return listener

    def cut(self) -> int:
        """Close all connections at once; return how many there were."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for end in pair:
                # Shutting down wakes the pump, which closes both ends.
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        return len(pairs)

    def down(self) -> None:
        """Cut all connections and refuse new ones."""
        self._down = True
        self.cut()

    def up(self) -> None:
        """Take connections again."""
        self._down = False

    def hold(self) -> None:
        """Let nothing through, and say so to nobody, like a network that goes away."""
        self._flowing.clear()

    def hold_at(self, pattern: bytes, *, answer: bool = False) -> None:
        """Hold from the moment that these bytes come from the client, or from the target; they are not let through."""
        self.held.clear()
        self._hold_at = (pattern, answer)

    def lose(self) -> None:
        """Cut all connections, with what was held on them, and let through what comes on new ones."""
        self.cut()
        self.release()

    def release(self) -> None:
        """Let through what was held, and what comes."""
        self._flowing.set()

    def close(self) -> None:
        """End for good."""
        self._flowing.set()
        self._open = False
        self.cut()
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while self._open:
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            if self._down:
                client.close()
                continue
            try:
                target = socket.create_connection(("127.0.0.1", self._target_port), timeout=5)
            except OSError:
                client.close()
                continue
            self.accepted += 1
            pair = (client, target)
            with self._lock:
                self._pairs.add(pair)
            threading.Thread(target=self._pump, args=(pair,), daemon=True).start()

    def _watch(self, data: bytes, *, answer: bool) -> None:
        if self._hold_at is not None and self._hold_at[0] in data and self._hold_at[1] is answer:
            self._hold_at = None
            self.hold()
            self.held.set()

    def _pump(self, pair: tuple[socket.socket, socket.socket]) -> None:
        client, target = pair
        for end in pair:
            end.settimeout(None)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                readable, _, _ = select.select(pair, (), ())
                for source in readable:
                    data = source.recv(65536)
                    self._watch(data, answer=source is target)
                    self._flowing.wait()
                    if not data:
                        return
                    (target if source is client else client).sendall(data)
        except OSError:
            return
        finally:
            with self._lock:
                self._pairs.discard(pair)
            client.close()
            target.close()


@contextmanager
def proxying(target_port: int) -> Iterator[TcpProxy]:
    """Run a proxy in front of a port."""
    proxy = TcpProxy(target_port)
    try:
        yield proxy
    finally:
        proxy.close()
