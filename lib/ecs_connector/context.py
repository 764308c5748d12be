"""What a step's `process` may use besides its message: clients, time, chance, a log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ecs_connector.clock import Clock
from ecs_connector.values import EMPTY

if TYPE_CHECKING:
    from ecs_connector.client import Clients


class Logger(Protocol):
    """The part of a logger that the pipeline uses; `logging.Logger` and the sailor's both fit."""

    def debug(self, message: str, /, *args: Any) -> None: ...
    def info(self, message: str, /, *args: Any) -> None: ...
    def warning(self, message: str, /, *args: Any) -> None: ...
    def error(self, message: str, /, *args: Any) -> None: ...


class Context(NamedTuple):
    """The surroundings of one message."""

    clients: Clients
    clock: Clock
    #: Uniform in [0, 1), as `random.random`.
    random: Callable[[], float]
    logger: Logger
    #: Flow and step, so that two steps that are given the same message derive different tokens.
    identity: str = ""
    flow_variables: Mapping[str, Any] = EMPTY
    #: Longest time in seconds that a wait may hold the message; beyond it the message rebounds.
    max_hold_s: float | None = None
    #: Whether the message has been delivered before; None when the caller does not know of deliveries.
    redelivered: bool | None = None
