# ruff: noqa: INP001 - a script beside the compose file, not a package
"""A platform of your own, for one step: makes its queues, answers its questions, hands it messages.

    python docker/local_platform.py serve          make the queues, answer step info over HTTP
    python docker/local_platform.py send BODY      send one message and print what comes out of it

Settings are the step's own variables (ELASTICIO_*); STEP_CONFIG names a JSON file with its configuration.
"""

from __future__ import annotations

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pika

from ecs_connector.sailor.crypto import PayloadCipher
from ecs_connector.sailor.envelope import Codec

_CONNECT_TIMEOUT_S = 60.0
_ANSWER_TIMEOUT_S = 60.0


def variable(name: str) -> str:
    """Return one of the step's variables."""
    return os.environ["ELASTICIO_" + name]


def connect() -> Any:
    """Return a channel; the broker may take its time to start."""
    deadline = time.monotonic() + _CONNECT_TIMEOUT_S
    while True:
        try:
            return pika.BlockingConnection(pika.URLParameters(variable("AMQP_URI"))).channel()
        except (pika.exceptions.AMQPError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def provision(channel: Any) -> None:
    """Make the exchange and the queues that the platform makes for a step."""
    exchange, queue = variable("PUBLISH_MESSAGES_TO"), variable("LISTEN_MESSAGES_ON")
    channel.exchange_declare(exchange, "direct", durable=True)
    channel.queue_declare(queue, durable=True)
    # A rebounded message waits for its expiration and then comes back to the step.
    back = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue}
    for kind, arguments in (("DATA", {}), ("ERROR", {}), ("SNAPSHOT", {}), ("REBOUND", back)):
        key = variable(f"{kind}_ROUTING_KEY")
        channel.queue_declare(key, durable=True, arguments=arguments)
        channel.queue_bind(key, exchange, key)


def serve(port: int) -> None:
    """Answer the step's questions until the process is stopped."""
    provision(connect())
    with open(os.environ["STEP_CONFIG"], encoding="utf-8") as file:
        info = {"config": json.load(file), "snapshot": {}, "is_passthrough": False}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = json.dumps(info).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    server = ThreadingHTTPServer(("", port), Handler)
    sys.stderr.write(f"The queues are there; step info is on port {server.server_address[1]}.\n")
    server.serve_forever()


def send(body: Any) -> int:
    """Send one message; print each of its outputs as a JSON line; return 1 if one is an error."""
    channel = connect()
    provision(channel)
    codec = Codec(PayloadCipher(variable("MESSAGE_CRYPTO_PASSWORD"), variable("MESSAGE_CRYPTO_IV")))
    message_id = str(uuid4())
    message = {"id": message_id, "attachments": {}, "body": body, "headers": {}, "metadata": {}}
    headers = {"messageId": message_id, "threadId": message_id, "protocolVersion": 1}
    channel.basic_publish(
        "", variable("LISTEN_MESSAGES_ON"), codec.encode(message, 1), pika.BasicProperties(headers=headers)
    )
    for kind in _outputs(channel, codec, message_id):
        return int(kind == "error")
    sys.stderr.write("Nothing came out of the step in time; is it running?\n")
    return 1


def _outputs(channel: Any, codec: Codec, message_id: str) -> Any:
    deadline = time.monotonic() + _ANSWER_TIMEOUT_S
    while time.monotonic() < deadline:
        for kind in ("data", "error"):
            _, properties, payload = channel.basic_get(variable(f"{kind.upper()}_ROUTING_KEY"), auto_ack=True)
            if payload is None or (properties.headers or {}).get("parentMessageId") != message_id:
                continue
            if kind == "error":
                payload = json.loads(payload)["error"].encode()
            value = codec.decode(payload, 1)
            sys.stdout.write(json.dumps({kind: value if kind == "error" else value["body"]}, ensure_ascii=False) + "\n")
            yield kind
        time.sleep(0.02)


def main(arguments: list[str]) -> int:
    """Run one of the commands."""
    if arguments == ["serve"]:
        serve(int(os.environ.get("PORT", "8080")))
        return 0
    if len(arguments) == 2 and arguments[0] == "send":
        return send(json.loads(arguments[1]))
    sys.stderr.write(f"{__doc__}\n")
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
