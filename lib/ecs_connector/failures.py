"""Turns an attempt that failed into an error, and says what repeating it could do.

Imported when an attempt has failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ecs_connector import parse, retry
from ecs_connector.advice import ADVICE, problem
from ecs_connector.connection import ExchangeFailed
from ecs_connector.errors import CallError, ServiceError, TransportError
from ecs_connector.hidden_errors import kind_of
from ecs_connector.model import Model
from ecs_connector.redact import Redactor
from ecs_connector.values import HttpResponse

if TYPE_CHECKING:
    from ecs_connector.exchange import Run

#: Kinds of `ExchangeFailed` that repeating does not mend: a certificate, and what does not speak HTTP.
_LASTING = frozenset({"tls", "malformed"})
_LOOK_FIRST = "look before sending it again."
_UNREACHABLE = "Check the region and the endpoint field, and that the network lets this machine out."
_REMEDIES = {
    "dns": "Check the region and the endpoint field, and that this machine resolves names.",
    "connect": _UNREACHABLE,
    "connect_timeout": _UNREACHABLE,
    "tls": "Check the endpoint field; behind a proxy that opens TLS, set AWS_CA_BUNDLE to its certificate.",
    "malformed": "Check that the endpoint is an Amazon ECS endpoint.",
}
#: Longest request id that is shown; AWS's have 36 characters.
_ID_LENGTH = 64


def no_answer(run: Run, failed: ExchangeFailed) -> tuple[retry.Failure, CallError]:
    """Return the failure of an attempt that was not answered."""
    kind = None if failed.kind in _LASTING else "transport" if failed.fresh else "stale"
    remedy = _REMEDIES.get(failed.kind, "Try again later.")
    if failed.sent and not run.safe:
        remedy = f"{run.operation.name} may have been carried out, and doing it twice is not safe: {_LOOK_FIRST}"
    error = TransportError(
        f"{run.operation.name}: {failed}. {remedy}",
        operation=run.operation.name,
        sent=failed.sent,
        attempts=run.attempt,
    )
    error.__cause__ = failed
    return retry.Failure(kind, maybe_done=failed.sent), error


def refused(model: Model, run: Run, response: HttpResponse, now_epoch_s: float) -> tuple[retry.Failure, CallError]:
    """Return the failure of an attempt that was answered with another status than 200."""
    status, name = response.status, run.operation.name
    if status < 400:
        moved = " (a redirect); a signed request is never sent elsewhere" if status // 100 == 3 else ""
        text = (
            f"{name}: {run.request.endpoint.authority} answered with status {status}{moved}. Check the endpoint field."
        )
        identifier = parse.request_id(response)
        strange = TransportError(text, operation=name, sent=True, attempts=run.attempt, request_id=identifier)
        return retry.Failure(None, maybe_done=True), strange
    error = parse.service_error(model, name, response, attempts=run.attempt)
    code = "" if error.code == str(status) else error.code
    error.kind = kind_of(code, error.message, status)
    if error.kind is None and not code and parse.is_cut_off(response.body):
        # It was refused, nobody can tell why: that may have been for a reason that passes.
        error.kind = "transport"
    # A throttle that shows only in the text of a server's error may have come when half of the work was done.
    maybe_done = kind_of(code, "", status) == "server"
    advice = ADVICE.get(problem(code, error.message, status) or "")
    if maybe_done and not run.safe:
        advice = f"{name} may have been carried out all the same: {_LOOK_FIRST}"
    if advice:
        _say(error, f"{error.user_message}. {advice}")
    return retry.Failure(error.kind, maybe_done, retry.hint(response.headers, now_epoch_s)), error


def mask(error: CallError, secrets: Iterable[str | None]) -> None:
    """Take out of an error what is known to be secret: an answer may repeat what it was sent."""
    redactor = Redactor(secret for secret in secrets if secret)
    _say(error, redactor.text(error.user_message))
    if error.detail:
        error.detail = redactor.text(error.detail)
    if isinstance(error, ServiceError):
        error.message = redactor.text(error.message)
        error.output = redactor.value(error.output)


def shown_id(request_id: str | None) -> str:
    """Return a request id as a log may show it."""
    if request_id and len(request_id) <= _ID_LENGTH and request_id.isascii() and request_id.isprintable():
        return request_id
    return "-"


def _say(error: CallError, text: str) -> None:
    error.user_message = text
    error.args = (text,)
