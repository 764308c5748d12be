"""A private RabbitMQ node for the broker tests: loopback, free ports, own folders, stopped after."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pika

from support.certificates import self_signed

#: Debian's wrapper in /usr/sbin changes the user and the folders; this is the script behind it.
_SERVERS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
_START_TIMEOUT_S = 90.0


def find_server() -> str | None:
    """Return the server's start script, if it is installed."""
    return next((found for name in _SERVERS if (found := shutil.which(name))), None)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RabbitMq:
    """A running node."""

    def __init__(self, port: int, secure_port: int, folder: Path, environment: dict[str, str]) -> None:
        self.port = port
        #: Where it speaks TLS, with a certificate for `localhost`.
        self.secure_port = secure_port
        self.folder = folder
        self._environment = environment

    @property
    def uri(self) -> str:
        return self.uri_at(self.port)

    @staticmethod
    def uri_at(port: int) -> str:
        """Return the URI of the node as it is reached through another port."""
        return f"amqp://guest:guest@127.0.0.1:{port}/"

    @property
    def authority(self) -> Path:
        """The file to trust its certificate by."""
        return self.folder / "certificate.pem"

    def connect(self) -> pika.BlockingConnection:
        return pika.BlockingConnection(pika.URLParameters(self.uri))

    def control(self, *arguments: str) -> str:
        """Run rabbitmqctl on the node."""
        command = str(Path(find_server() or "").parent / "rabbitmqctl")
        done = subprocess.run(
            [command, *arguments], env=self._environment, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout


@contextmanager
def running() -> Iterator[RabbitMq]:
    """Start a node, and stop it at the end."""
    server = find_server()
    assert server is not None
    folder = Path(tempfile.mkdtemp(prefix="rabbitmq-"))
    port, secure_port, distribution_port, epmd_port = free_port(), free_port(), free_port(), free_port()
    self_signed(folder, "localhost")
    (folder / "enabled_plugins").write_text("[].\n")
    (folder / "rabbitmq.conf").write_text(
        "log.file.level = warning\n"
        "consumer_timeout = 1800000\n"
        f"listeners.ssl.default = 127.0.0.1:{secure_port}\n"
        f"ssl_options.certfile = {folder / 'certificate.pem'}\n"
        f"ssl_options.keyfile = {folder / 'key.pem'}\n"
        "ssl_options.verify = verify_none\n"
    )
    environment = {
        **os.environ,
        "HOME": str(folder),
        "RABBITMQ_HOME_DIR": str(folder),
        "RABBITMQ_NODENAME": f"test{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        # Schedulers that spin while they wait would take the CPU from the tests.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
    with (folder / "stdout").open("wb") as output:
        process = subprocess.Popen(
            [server], env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait_ready(process, port, folder)
        yield RabbitMq(port, secure_port, folder, environment)
    finally:
        # Nothing of the node is kept, so it need not stop in good order.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _stop_epmd(environment)
        shutil.rmtree(folder, ignore_errors=True)


def _stop_epmd(environment: dict[str, str]) -> None:
    """Stop the node's own port mapper; it refuses until it has noticed that the node is gone."""
    epmd = shutil.which("epmd")
    for _ in range(50 if epmd else 0):
        done = subprocess.run([str(epmd), "-kill"], env=environment, capture_output=True, text=True, check=False)
        if "Killed" in done.stdout or "annot connect" in done.stdout + done.stderr:
            return
        time.sleep(0.1)


def _wait_ready(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
                probe.settimeout(2)
                probe.sendall(b"AMQP\x00\x00\x09\x01")
                if probe.recv(1):
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("RabbitMQ did not start:\n" + (folder / "stdout").read_text(errors="replace")[-4000:])
