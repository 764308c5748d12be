"""Frozen values that cross a stage boundary.

Deviates: the house's frozen dataclasses are named tuples here. Loading `dataclasses` and making the classes cost
an eighth of a cold start, and a message makes a named tuple in a third of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

#: A JSON value: dict, list, str, int, float, bool or None.
Json = Any


class _EmptyMapping(Mapping[str, Any]):
    """A mapping with nothing in it that stays so; hashable, as a dataclass asks of a default."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"


#: The default of every mapping field: shared, and impossible to change by accident.
EMPTY: Mapping[str, Any] = _EmptyMapping()


class Message(NamedTuple):
    """What a step is given."""

    body: Json
    #: Identity of the incoming message; the seed of client tokens.
    id: str | None = None
    headers: Mapping[str, Any] = EMPTY
    attachments: Mapping[str, Any] = EMPTY
    metadata: Mapping[str, Any] = EMPTY
    #: step id -> that step's message, without its own passthrough.
    passthrough: Mapping[str, Any] = EMPTY
    #: Top-level keys of the wire message that the platform does not name; they travel on.
    extra: Mapping[str, Any] = EMPTY


class Emission(NamedTuple):
    """One thing that a step says: data, or one of the platform's other events.

    `kind` is the platform's event name: data, error, rebound, snapshot, updateSnapshot, updateKeys,
    httpReply, end. `headers` of a data emission is the evidence of the call.
    """

    kind: str
    body: Json = None
    headers: Mapping[str, Any] = EMPTY
    #: Message id; None lets the publisher make one.
    id: str | None = None
    attachments: Mapping[str, Any] = EMPTY
    metadata: Mapping[str, Any] = EMPTY
    passthrough: Mapping[str, Any] = EMPTY
    #: Member name under which an item that is not an object travels on the wire (`clusterArn`).
    item_name: str | None = None


class Credentials(NamedTuple):
    """One set of AWS keys. Secrets never show in a repr."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    #: Aware UTC; None for keys that do not expire.
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id!r}, expires_at={self.expires_at})"


class Endpoint(NamedTuple):
    """Where an operation is sent and what its signature is scoped to."""

    #: `https://ecs.eu-central-1.amazonaws.com`, without a trailing slash.
    url: str
    scheme: str
    host: str
    port: int
    #: Value of the Host header: the host, with the port unless it is the scheme's own.
    authority: str
    #: Prefix of the request path, "/" or "/something/".
    path: str
    region: str
    signing_region: str
    signing_name: str = "ecs"


class HttpRequest(NamedTuple):
    """An HTTP request as it goes on the wire; `headers` keep their order."""

    method: str
    endpoint: Endpoint
    #: Path and query, already percent-encoded: `/?Action=ListClusters&Version=2014-11-13`.
    target: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        # Headers carry a session token, the body what a step was given.
        return f"HttpRequest({self.method!r}, {self.endpoint.url!r}, {self.target!r})"


class HttpResponse(NamedTuple):
    """An HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"HttpResponse({self.status}, {len(self.body)} bytes)"


class Evidence(NamedTuple):
    """What one finished call can say of itself."""

    request_id: str | None
    #: Times the request was sent.
    attempts: int
    #: One short text for each attempt that was repeated: why.
    retried: tuple[str, ...] = ()
    #: One entry for each wait: its name, how often it looked, how long it took.
    waits: tuple[Mapping[str, Any], ...] = ()


class Output(NamedTuple):
    """The parsed answer of one call."""

    body: dict[str, Any]
    evidence: Evidence


#: An action module's `process`: (message, config, snapshot, context) -> what it emits.
Process = Callable[[Message, Mapping[str, Any], Mapping[str, Any], Any], "Iterator[Emission] | Any"]
