"""One step: what all its messages share, and the way in and out for each of them.

Source: https://github.com/elasticio/sailor-nodejs/blob/master/lib/sailor.js
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from ecs_connector.errors import EnvelopeError
from ecs_connector.sailor.dedup import Delivery, Settlement
from ecs_connector.sailor.envelope import Codec
from ecs_connector.sailor.fieldtable import decode_properties
from ecs_connector.sailor.headers import read_incoming
from ecs_connector.sailor.jsontext import dumps, loads
from ecs_connector.sailor.lightweight import ObjectStorage
from ecs_connector.sailor.log import Log
from ecs_connector.sailor.outgoing import Outgoing, Received
from ecs_connector.sailor.platform_api import PlatformApi, StepInfo
from ecs_connector.sailor.settings import Settings
from ecs_connector.sailor.throttle import Throttle

if TYPE_CHECKING:
    from ecs_connector.component import Component
    from ecs_connector.sailor.publisher import Publication


#: Seeded by the system, once: asking the system for each id gives the interpreter away each time.
_ids = Random()  # noqa: S311 - an id must be unique, it need not be a secret


#: Of the 128 bits of a random UUID, those that say that it is one.
_UUID_BITS, _UUID_4 = 0xF000_C000_0000_0000_0000, 0x4000_8000_0000_0000_0000


def make_id() -> str:
    """Return a new message id: a random UUID."""
    text = f"{_ids.getrandbits(128) & ~_UUID_BITS | _UUID_4:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Snapshot:
    """The step's memory between messages; shared by its workers."""

    def __init__(self, value: Any) -> None:
        self._lock = threading.Lock()
        self._text = dumps(value)

    def read(self) -> Any:
        """Return a copy."""
        return loads(self._text)

    def replace(self, value: Any) -> None:
        self._text = dumps(value)

    def update(self, patch: Mapping[str, Any]) -> None:
        """Merge the top level of a patch."""
        with self._lock:
            current = loads(self._text)
            self._text = dumps({**(current if isinstance(current, dict) else {}), **patch})


@dataclass(slots=True)
class Counters:
    """What the health line says."""

    rebounds: int = 0
    errors: int = 0
    rejected: int = 0
    done: int = 0


@dataclass(slots=True)
class Step:
    """What all messages of this process share."""

    settings: Settings
    component: Component
    info: StepInfo
    codec: Codec
    outgoing: Outgoing
    api: PlatformApi
    storage: ObjectStorage
    #: Writes lines of the runtime.
    log: Log
    #: Writes lines of the component; each message adds its ids.
    component_log: Log
    publish: Callable[[Publication], None]
    settle: Callable[[Delivery, Settlement], None]
    redact: Callable[[str], str]
    pause: Callable[[float], None] = time.sleep
    snapshot: Snapshot = field(init=False)
    throttles: dict[str, Throttle] = field(init=False)
    counters: Counters = field(default_factory=Counters)
    resolves_objects: bool = field(init=False)
    _config: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.snapshot = Snapshot(self.info.snapshot)
        self._config = dumps(self.info.config)
        self.throttles = {
            kind: Throttle(limit, settings.rate_interval_ms / 1000, monotonic=time.monotonic, sleep=time.sleep)
            for kind, limit in (
                ("data", settings.data_rate_limit),
                ("error", settings.error_rate_limit),
                ("snapshot", settings.snapshot_rate_limit),
            )
        }
        entry = self.component.action(settings.function).entry
        self.resolves_objects = entry.get("autoResolveObjectReferences") is not False

    def config(self) -> dict[str, Any]:
        """Return a copy of the step's configuration, for one message."""
        copy: dict[str, Any] = loads(self._config)
        return copy

    def receive(self, delivery: Delivery) -> Received:
        """Decode a delivery.

        Raises:
            EnvelopeError: It is no message of this platform.
        """
        properties = decode_properties(delivery.raw_properties)
        headers = properties.get("headers")
        if headers is None:
            raise EnvelopeError("The delivery has no headers.")
        incoming = read_incoming(headers, make_id)
        if self.settings.input_format == "error":
            wire = self.codec.decode_error_envelope(delivery.body, headers)
        else:
            wire = self.codec.decode_message(delivery.body, incoming.protocol_version)
        if incoming.reply_to is not None:
            wire["headers"]["reply_to"] = incoming.reply_to
        return Received(delivery, properties, incoming, wire)
