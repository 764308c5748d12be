"""The error hierarchy, grouped by what happens next.

| class | CLI exit | step outcome | published |
|---|---|---|---|
| ConfigError (and its kinds) | 78 | reject | error |
| InputError, EnvelopeError | 65 | reject | error |
| ServiceError, retryable | 75 | rebound | rebound |
| ServiceError | 69 | reject | error |
| TransportError, ResponseError, retryable | 75 | rebound | rebound |
| TransportError, ResponseError | 75 | reject | error |
| PartialFailure, PagesError | 69 | reject | error |
| WaitFailed | 69 | reject | error |
| WaitTimedOut | 75 | rebound | rebound |
| BrokerError | 75 | requeue | nothing |
| ExpectationFailed | 69 | reject | error |

A `WaitTimedOut` whose message must not come again, since that would do its work twice, is rejected.

`outcome_of` reads the table. A signal (`Rebound`, `StopRequested`) is not an error: it says that the
message goes back. No text of any of them ever holds a secret: messages are built from masked values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

Settlement = Literal["reject", "rebound", "requeue"]


class Outcome(NamedTuple):
    """What the CLI and the flow step do with an error."""

    exit_code: int
    settlement: Settlement


class Violation(NamedTuple):
    """One thing that is wrong with an input."""

    #: RFC 6901, "" for the body itself.
    pointer: str
    #: The keyword or the cross-field rule that is broken: required, type, enum, exclusive ...
    rule: str
    #: Where, what was given (masked where it may be a secret), what is allowed.
    message: str


class ConnectorError(Exception):
    """Every error that is raised on purpose.

    Attributes:
        user_message: Safe for the platform's screen: what failed, on which thing, what to do.
        detail: More for a log, already redacted.
    """

    exit_code: ClassVar[int] = 69
    settlement: ClassVar[Settlement] = "reject"
    #: Names of the attributes that describe this error, in the order in which they are reported.
    facts: ClassVar[tuple[str, ...]] = ()

    def __init__(self, user_message: str, *, detail: str | None = None) -> None:
        super().__init__(user_message)
        self.user_message = user_message
        self.detail = detail

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only constructors do not survive the default protocol.
        return (_rebuild, (type(self), self.args, self.__dict__))

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.exit_code, self.settlement)

    def report(self) -> dict[str, Any]:
        """Return the error as JSON: its class, its text and its facts."""
        report: dict[str, Any] = {"error": type(self).__name__, "message": self.user_message}
        for name in self.facts:
            value = getattr(self, name)
            if value is not None:
                report["text" if name == "message" else name] = _plain(value)
        return report


def _rebuild(cls: type[ConnectorError], args: tuple[Any, ...], state: dict[str, Any]) -> ConnectorError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


def _plain(value: Any) -> Any:
    if isinstance(value, Violation):
        return {"pointer": value.pointer, "rule": value.rule, "message": value.message}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


# -- someone must change settings ---------------------------------------------------------------


class ConfigError(ConnectorError):
    """Credentials, region, endpoint or step fields are missing or wrong; nothing was sent."""

    exit_code = 78
    facts = ("field",)

    def __init__(self, user_message: str, *, field: str | None = None, detail: str | None = None) -> None:
        super().__init__(user_message, detail=detail)
        self.field = field


class SettingsError(ConfigError):
    """A variable of the environment is missing or wrong."""


class DescriptorError(ConfigError):
    """component.json, or a file that it names, is missing or wrong."""


class CredentialsError(ConfigError):
    """No usable credentials could be had from the configured source."""


class EndpointError(ConfigError):
    """The endpoint or the region is not one that a request may be sent to."""


# -- the sender of the message must change it ----------------------------------------------------


class InputError(ConnectorError):
    """The body breaks the schema or a rule; nothing was sent."""

    exit_code = 65
    facts = ("violations",)

    def __init__(self, user_message: str, *, violations: Sequence[Violation] = (), detail: str | None = None) -> None:
        super().__init__(user_message, detail=detail)
        self.violations = tuple(violations)


class EnvelopeError(InputError):
    """A delivery could not be decoded into a message."""


# -- the call -------------------------------------------------------------------------------------


class CallError(ConnectorError):
    """A call to AWS did not end well.

    Attributes:
        operation: Name of the operation.
        attempts: Times the request was sent or tried.
        retryable: Whether sending the same message again later is safe and may help.
        request_id: AWS request id, when there was an answer.
    """

    facts: ClassVar[tuple[str, ...]] = ("operation", "attempts", "retryable", "request_id")

    def __init__(
        self,
        user_message: str,
        *,
        operation: str,
        attempts: int = 1,
        retryable: bool = False,
        request_id: str | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(user_message, detail=detail)
        self.operation = operation
        self.attempts = attempts
        self.retryable = retryable
        self.request_id = request_id

    @property
    def outcome(self) -> Outcome:
        return Outcome(75, "rebound") if self.retryable else Outcome(self.exit_code, self.settlement)


class ServiceError(CallError):
    """ECS answered with an error.

    Attributes:
        code: AWS error code without prefix, for example `ClusterNotFoundException`.
        message: AWS error text, redacted.
        status: HTTP status.
        fault: Whose fault AWS says it is; None when it does not say.
        kind: Why it may pass: throttle, capacity, server, transport (the error came incomplete), credentials,
            skew; None when it will not.
        output: The error's other members, as ECS sent them.
    """

    facts = ("operation", "code", "message", "status", "request_id", "attempts", "retryable", "fault", "kind")

    def __init__(
        self,
        user_message: str,
        *,
        operation: str,
        code: str,
        message: str,
        status: int,
        fault: Literal["client", "server"] | None = None,
        kind: str | None = None,
        attempts: int = 1,
        retryable: bool = False,
        request_id: str | None = None,
        output: Mapping[str, Any] | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(
            user_message,
            operation=operation,
            attempts=attempts,
            retryable=retryable,
            request_id=request_id,
            detail=detail,
        )
        self.code = code
        self.message = message
        self.status = status
        self.fault = fault
        self.kind = kind
        self.output = dict(output or {})


class TransportError(CallError):
    """No usable answer: DNS, connect, TLS, timeout, cut connection, redirect.

    Attributes:
        sent: Whether the request may have reached AWS.
    """

    exit_code = 75
    facts = (*CallError.facts, "sent")

    def __init__(
        self,
        user_message: str,
        *,
        operation: str,
        sent: bool,
        attempts: int = 1,
        retryable: bool = False,
        request_id: str | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(
            user_message,
            operation=operation,
            attempts=attempts,
            retryable=retryable,
            request_id=request_id,
            detail=detail,
        )
        self.sent = sent


class ResponseError(TransportError):
    """ECS answered 200 with something that is not the operation's output."""


class PagesError(ConnectorError):
    """A list cannot be continued: ECS gave the same token twice.

    Attributes:
        next_token: The token that repeats.
    """

    facts = ("operation", "next_token")

    def __init__(self, user_message: str, *, operation: str, next_token: str | None = None) -> None:
        super().__init__(user_message)
        self.operation = operation
        self.next_token = next_token


class PartialFailure(ConnectorError):
    """ECS answered 200 with a `failures` list and the step's policy calls that an error.

    Attributes:
        failures: The list as ECS sent it.
        output: The whole output, good entries included.
    """

    facts = ("operation", "failures", "output")

    def __init__(
        self,
        user_message: str,
        *,
        failures: Sequence[Mapping[str, Any]],
        output: Mapping[str, Any],
        operation: str | None = None,
    ) -> None:
        super().__init__(user_message)
        self.operation = operation
        self.failures = [dict(failure) for failure in failures]
        self.output = dict(output)


# -- waits ----------------------------------------------------------------------------------------


class WaitError(ConnectorError):
    """A wait did not reach its goal.

    Attributes:
        operation: The operation whose effect was waited for.
        reason: Why the wait ended.
        last: The last thing that was seen: the verdict, the deployment, the output.
    """

    facts = ("operation", "reason", "last")

    def __init__(
        self, user_message: str, *, operation: str, reason: str, last: Any = None, detail: str | None = None
    ) -> None:
        super().__init__(user_message, detail=detail)
        self.operation = operation
        self.reason = reason
        self.last = last


class WaitFailed(WaitError):
    """What was waited for can no longer happen, or ended badly."""


class WaitTimedOut(WaitError):
    """A wait ran out of its budget.

    Attributes:
        resumable: Whether the message may come again: not when that would do its work twice.
    """

    exit_code = 75
    settlement = "rebound"

    def __init__(
        self,
        user_message: str,
        *,
        operation: str,
        reason: str,
        last: Any = None,
        detail: str | None = None,
        resumable: bool = True,
    ) -> None:
        super().__init__(user_message, operation=operation, reason=reason, last=last, detail=detail)
        self.resumable = resumable

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.exit_code, self.settlement if self.resumable else "reject")


class ExpectationFailed(ConnectorError):
    """A step of a flow file did not do what the file expects of it."""


class BrokerError(ConnectorError):
    """The message broker cannot be used; handled inside the sailor."""

    exit_code = 75
    settlement = "requeue"


# -- signals --------------------------------------------------------------------------------------


class Signal(BaseException):
    """Not an error: the message goes back unchanged and comes again.

    A BaseException, so that no `except Exception` of a component swallows it.
    """


class Rebound(Signal):
    """Hand the message back to the platform, to come again later.

    Attributes:
        reason: Shown by the platform.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StopRequested(Signal):
    """The process has been asked to stop; work in hand goes back to the queue."""


def outcome_of(error: BaseException) -> Outcome:
    """Return what to do about an error, a signal or a bug."""
    if isinstance(error, ConnectorError):
        return error.outcome
    if isinstance(error, Rebound):
        return Outcome(75, "rebound")
    if isinstance(error, StopRequested):
        return Outcome(75, "requeue")
    return Outcome(1, "reject")
