"""A step on a real broker: its queues, its process (ours or the official one), its messages.

The encryption here is written anew, so that the tests do not check the code against itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pika
import psutil
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from support.platform_stub import PlatformStub
from support.rabbitmq import RabbitMq

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = ROOT / "tests" / "data" / "components"
NODE_SAILOR = ROOT / ".cache" / "node" / "node_modules" / "elasticio-sailor-nodejs"
PASSWORD, IV = "testCryptoPassword", "iv=any16_symbols"
OURS, NODE = "ours", "node"
KINDS = ("data", "error", "rebound", "snapshot", "reply", "dead", "other")
_TIMEOUT_S = 15.0


def encrypt(plaintext: bytes, password: str = PASSWORD, iv: str = IV) -> bytes:
    """Return the raw ciphertext."""
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(hashlib.sha256(password.encode()).digest()), modes.CBC(iv.encode())).encryptor()
    return encryptor.update(padder.update(plaintext) + padder.finalize()) + encryptor.finalize()


def decrypt(ciphertext: bytes) -> Any:
    """Return the JSON value of a raw ciphertext."""
    decryptor = Cipher(algorithms.AES(hashlib.sha256(PASSWORD.encode()).digest()), modes.CBC(IV.encode())).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    return json.loads(unpadder.update(padded) + unpadder.finalize())


def payload_of(message: Any, version: int = 1) -> bytes:
    """Return a wire message as bytes."""
    raw = encrypt(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())
    return raw if version >= 2 else base64.b64encode(raw)


@dataclass
class Taken:
    """A message that came out of the step."""

    body: bytes
    properties: pika.BasicProperties
    routing_key: str

    @property
    def headers(self) -> dict[str, Any]:
        return dict(self.properties.headers or {})

    def wire(self) -> Any:
        """Return the wire message."""
        raw = int(self.headers.get("protocolVersion", 1)) >= 2
        return decrypt(self.body if raw else base64.b64decode(self.body))

    def error(self) -> dict[str, Any]:
        """Return the error of an error envelope."""
        found: dict[str, Any] = decrypt(base64.b64decode(json.loads(self.body)["error"]))
        return found

    def error_input(self) -> Any:
        """Return the input of an error envelope."""
        return decrypt(base64.b64decode(json.loads(self.body)["errorInput"]))


@dataclass
class Topology:
    """What the platform provisions for one step."""

    broker: RabbitMq
    name: str = field(default_factory=lambda: uuid4().hex[:12])
    input_arguments: dict[str, Any] = field(default_factory=dict)
    #: Whether rebounded messages come back, as on the platform, or stay to be looked at.
    rebounds_return: bool = False
    #: Whether the queues outlive a restart of the broker.
    durable: bool = False

    def __post_init__(self) -> None:
        self.connection = self.broker.connect()
        self.channel = self.connection.channel()
        self.exchange = f"userexchange:{self.name}"
        self.channel.exchange_declare(self.exchange, "direct", durable=True)
        for kind in KINDS:
            back = {"x-dead-letter-exchange": self.exchange, "x-dead-letter-routing-key": self.key("messages")}
            returns = kind == "rebound" and self.rebounds_return
            self.channel.queue_declare(self.queue(kind), durable=self.durable, arguments=back if returns else None)
            self.channel.queue_bind(self.queue(kind), self.exchange, self.key(kind))
        self.declare_input()

    def declare_input(self) -> None:
        """Create the input queue; what is rejected goes to `dead`."""
        arguments = {
            "x-dead-letter-exchange": self.exchange,
            "x-dead-letter-routing-key": self.key("dead"),
            **self.input_arguments,
        }
        self.channel.queue_declare(self.queue("messages"), durable=self.durable, arguments=arguments)
        self.channel.queue_bind(self.queue("messages"), self.exchange, self.key("messages"))

    def reconnect(self) -> None:
        """Connect again, after the broker was away."""
        self.connection = self.broker.connect()
        self.channel = self.connection.channel()

    def queue(self, kind: str) -> str:
        return f"{self.name}:{kind}"

    key = queue

    def send(
        self,
        body: Any = None,
        *,
        headers: Mapping[str, Any] | None = None,
        version: int = 1,
        wire: Mapping[str, Any] | None = None,
        payload: bytes | None = None,
        properties: Mapping[str, Any] | None = None,
        to: str = "messages",
    ) -> str:
        """Send a message as an earlier step would; return its id."""
        message_id = str(uuid4())
        if wire is None:
            wire = {"id": message_id, "attachments": {}, "body": body, "headers": {}, "metadata": {}}
        table = {
            "messageId": message_id,
            "threadId": "thread-1",
            "stepId": "step_0",
            "protocolVersion": version,
            **(headers or {}),
        }
        table = {name: value for name, value in table.items() if value is not ...}
        chosen = {
            "content_type": "application/json",
            "content_encoding": "utf8",
            "headers": table,
            **(properties or {}),
        }
        self.channel.basic_publish(
            self.exchange,
            self.key(to),
            payload if payload is not None else payload_of(wire, version),
            pika.BasicProperties(**chosen),
        )
        return message_id

    def take(self, kind: str, count: int = 1, timeout_s: float = _TIMEOUT_S) -> list[Taken]:
        """Return so many messages of a kind, in order."""
        taken: list[Taken] = []
        deadline = time.monotonic() + timeout_s
        while len(taken) < count:
            method, properties, body = self.channel.basic_get(self.queue(kind), auto_ack=True)
            if method is not None:
                taken.append(Taken(body, properties, method.routing_key))
            elif time.monotonic() > deadline:
                raise AssertionError(f"{len(taken)} of {count} messages came out as {kind} in {timeout_s} s")
            else:
                self.connection.sleep(0.01)
        return taken

    def take_one(self, kind: str, timeout_s: float = _TIMEOUT_S) -> Taken:
        return self.take(kind, 1, timeout_s)[0]

    def ready(self, kind: str = "messages") -> int:
        """Return how many messages lie in a queue."""
        count: int = self.channel.queue_declare(self.queue(kind), passive=True).method.message_count
        return count

    def consumers(self) -> int:
        """Return how many consume the input queue."""
        count: int = self.channel.queue_declare(self.queue("messages"), passive=True).method.consumer_count
        return count

    def settle(self, seconds: float = 0.15) -> None:
        """Give a message that must not come the time to come."""
        self.connection.sleep(seconds)

    def empty(self, *kinds: str) -> bool:
        """Whether nothing lies in these queues, all by default."""
        return all(self.ready(kind) == 0 for kind in kinds or ("messages", *KINDS))

    def close(self) -> None:
        for kind in ("messages", *KINDS):
            self.channel.queue_delete(self.queue(kind))
        self.channel.exchange_delete(self.exchange)
        self.connection.close()


def environment_of(topology: Topology, platform: PlatformStub, function: str, **changes: str | None) -> dict[str, str]:
    """Return the platform's variables for a step; `changes` are without prefix, None removes one."""
    values: dict[str, str | None] = {
        "FLOW_ID": "flow-1",
        "EXEC_ID": "exec-1",
        "STEP_ID": topology.name,
        "CONTAINER_ID": "container-1",
        "WORKSPACE_ID": "workspace-1",
        "USER_ID": "user-1",
        "COMP_ID": "comp-1",
        "FUNCTION": function,
        "API_URI": platform.url,
        "API_USERNAME": "api-user",
        "API_KEY": "api-key-secret",
        "AMQP_URI": topology.broker.uri,
        "LISTEN_MESSAGES_ON": topology.queue("messages"),
        "PUBLISH_MESSAGES_TO": topology.exchange,
        "DATA_ROUTING_KEY": topology.key("data"),
        "ERROR_ROUTING_KEY": topology.key("error"),
        "REBOUND_ROUTING_KEY": topology.key("rebound"),
        "SNAPSHOT_ROUTING_KEY": topology.key("snapshot"),
        "MESSAGE_CRYPTO_IV": IV,
        "MESSAGE_CRYPTO_PASSWORD": PASSWORD,
        "OBJECT_STORAGE_URI": platform.url,
        "OBJECT_STORAGE_TOKEN": "storage-token",
        "DATA_RATE_LIMIT": "100000",
        "ERROR_RATE_LIMIT": "100000",
        "SNAPSHOT_RATE_LIMIT": "100000",
        **changes,
    }
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    named = {
        name if name.startswith(("ECS_CONNECTOR_", "LOG_", "REQUEST_", "CUSTOM_")) else f"ELASTICIO_{name}": value
        for name, value in values.items()
        if value is not None
    }
    return {**inherited, "LOG_LEVEL": "info", **named}


class StepProcess:
    """A running step."""

    def __init__(
        self, side: str, environment: Mapping[str, str], *, component: str = "museum", arguments: tuple[str, ...] = ()
    ) -> None:
        self.side = side
        self._log = tempfile.TemporaryFile()
        folder = COMPONENTS / (component if side == OURS or Path(component).is_absolute() else f"{component}-node")
        if side == OURS:
            command = [sys.executable, "-W", "error", "-m", "ecs_connector.sailor", *arguments]
        else:
            script = "runService.js" if arguments else "run.js"
            command = [shutil.which("node") or "node", str(NODE_SAILOR / script), *arguments]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, "PYTHONPATH": str(ROOT / "lib")},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def wait_consuming(self, topology: Topology, count: int = 1, timeout_s: float = 30.0) -> None:
        """Wait until so many consumers are on the input queue."""
        self.wait(lambda: topology.consumers() >= count, timeout_s, topology)

    def wait(self, condition: Callable[[], bool], timeout_s: float, topology: Topology) -> None:
        """Wait for something while the process lives."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.side}: exit code {self.process.poll()}\n{self.log()[-6000:]}")
            topology.connection.sleep(0.02)

    def log(self) -> str:
        """Return everything that was written."""
        return os.pread(self._log.fileno(), 10_000_000, 0).decode(errors="replace")

    def lines(self) -> list[dict[str, Any]]:
        """Return the log lines."""
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def cpu_s(self) -> float:
        """Return the CPU time that the process has used."""
        used = psutil.Process(self.process.pid).cpu_times()
        return float(used.user + used.system)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def wait_exit(self, timeout_s: float = 30.0) -> int:
        """Return the exit code."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.side} does not end:\n{self.log()[-6000:]}") from None

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._log.close()
