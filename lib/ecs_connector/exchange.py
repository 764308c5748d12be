"""Sends a request until it is answered, or until sending it again would not help or not be safe.

Every attempt is signed anew, with the clock corrected by what AWS has said of the time. The attempt limit
does not count the repetitions after a cause was removed here: renewed credentials, a corrected clock; each
happens once. After a connection that had been closed for idleness there is no pause.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from ecs_connector import parse, retry
from ecs_connector.config import StepConfig
from ecs_connector.connection import ExchangeFailed
from ecs_connector.credentials import CredentialsProvider
from ecs_connector.errors import CallError, ServiceError, TransportError
from ecs_connector.pacing import Pacer
from ecs_connector.signer import Scope
from ecs_connector.values import Credentials, Endpoint, Evidence, HttpRequest, HttpResponse

if TYPE_CHECKING:
    from ecs_connector.client import Clients

#: Clocks that differ by less than this are taken to agree, in seconds; AWS accepts five minutes.
_SKEW_NOTED_S = 240
#: Longest that one attempt waits, in seconds: a socket takes no timeout of any length.
_LONGEST_S = 1_000_000.0
_log = logging.getLogger("ecs_connector")
#: Failures whose cause can be removed here: new credentials, a corrected clock, a fresh connection.
_CORRECTABLE = frozenset({"credentials", "skew", "stale"})
#: What cannot be removed here does not pass by itself.
_NOT_LATER = frozenset({"credentials", "skew"})


class Named(Protocol):
    """The part of an operation that an exchange needs: what to call it."""

    @property
    def name(self) -> str:
        """Return the operation's name."""


class Run:
    """One exchange in the making: what is sent, and what has happened so far."""

    __slots__ = ("attempt", "config", "corrected", "error", "operation", "request", "retried", "safe", "scope")

    def __init__(self, operation: Named, request: HttpRequest, config: StepConfig, scope: Scope, safe: bool) -> None:
        self.operation = operation
        self.request = request
        self.config = config
        self.scope = scope
        self.safe = safe
        #: Times the request was sent or tried.
        self.attempt = 0
        #: Why each attempt but the last was repeated.
        self.retried: list[str] = []
        #: Repetitions that the attempt limit does not count: one each.
        self.corrected: set[str] = set()
        self.error: CallError | None = None


class Exchange:
    """Signs, sends and repeats for one identity at one endpoint."""

    def __init__(self, clients: Clients, credentials: CredentialsProvider, endpoint: Endpoint) -> None:
        self.clients = clients
        self.endpoint = endpoint
        self.provider = credentials
        self.quota = retry.Quota()
        #: What AWS's clock is ahead of ours, in seconds, once the difference has mattered.
        self.skew_s = 0.0
        self._scope = Scope(endpoint.signing_region, endpoint.signing_name)
        #: Operation -> its pace: ECS has a bucket for each kind of call.
        self._pacers: dict[str, Pacer] = {}

    def exchange(
        self, operation: Named, request: HttpRequest, config: StepConfig, *, safe: bool, scope: Scope | None = None
    ) -> tuple[HttpResponse, Evidence]:
        """Send a request until it is answered with 200, or repeating it would not help or not be safe.

        Args:
            safe: Whether sending it twice ends where sending it once does.
            scope: What to sign for, where that is not the client's own endpoint.

        Raises:
            CallError: With the number of attempts, and whether the same may be tried later.
        """
        clock = self.clients.clock
        pacer = self._pacers.get(operation.name) or self._pacers.setdefault(operation.name, Pacer(clock))
        ends = clock.monotonic() + config.totalTimeoutSeconds
        run = Run(operation, request, config, scope or self._scope, safe)
        paid = 0
        while True:
            if pacer.rate is not None:
                self._pace(pacer, run, ends)
            skew_s, used = self.skew_s, self.provider.credentials()
            left_s = min(max(0.001, ends - clock.monotonic()), _LONGEST_S)
            outcome = self._attempt(run, used, skew_s, left_s)
            if isinstance(outcome, HttpResponse):
                self.quota.refund(paid)
                pacer.succeeded()
                return outcome, Evidence(parse.request_id(outcome), run.attempt, tuple(run.retried))
            failure, error, answer = outcome
            run.error = error
            if failure.kind == "throttle":
                pacer.throttled()
            kind = failure.kind
            correctable = kind in _CORRECTABLE and kind not in run.corrected and retry.may_repeat(failure, safe=safe)
            if kind == "stale" and run.attempt >= config.maxAttempts:
                correctable = False  # the request was sent: it counts as any other
            if kind and correctable and self._correct(kind, answer, used, skew_s):
                run.corrected.add(kind)
                run.retried.append(kind)
                continue
            error.retryable = kind not in _NOT_LATER and retry.may_repeat(failure, safe=safe)
            paid = self._before_next(run, failure, ends)

    def _before_next(self, run: Run, failure: retry.Failure, ends: float) -> int:
        """Pause before another attempt and return what it costs; raise the error when there shall be none."""
        clock, error = self.clients.clock, run.error
        assert error is not None  # noqa: S101 - an attempt has failed
        counted = run.attempt - len(run.corrected - {"stale"})
        if not error.retryable or counted >= run.config.maxAttempts:
            raise error
        pause = retry.pause_s(failure, counted, self.clients.random)
        if clock.monotonic() + pause >= ends:
            raise error
        paid = self.quota.pay(failure.kind)
        if paid is None:
            raise error
        run.retried.append(error.code if isinstance(error, ServiceError) else failure.kind or "transport")
        clock.sleep(pause)
        return paid

    def _pace(self, pacer: Pacer, run: Run, ends: float) -> None:
        """Wait for this call's turn while ECS throttles."""
        clock = self.clients.clock
        pause = pacer.reserve()
        if pause <= 0:
            return
        if clock.monotonic() + pause >= ends:
            pacer.cancel()
            raise run.error or TransportError(
                f"{run.operation.name}: not sent, because ECS throttles these calls and too many wait already "
                f"(the turn of this one is in {pause:.0f} s, beyond totalTimeoutSeconds). Try again later, or call less often.",
                operation=run.operation.name,
                sent=False,
                attempts=run.attempt,
                retryable=True,
            )
        clock.sleep(pause)

    def _attempt(
        self, run: Run, credentials: Credentials, skew_s: float, left_s: float
    ) -> HttpResponse | tuple[retry.Failure, CallError, HttpResponse | None]:
        """Sign and send once."""
        clients, request, config = self.clients, run.request, run.config
        run.attempt += 1
        at = clients.clock.now()
        if skew_s:
            at += timedelta(seconds=skew_s)
        headers = clients.signer.sign(
            request.method,
            request.target,
            request.headers,
            request.body,
            credentials=credentials,
            scope=run.scope,
            at=at,
        )
        debug = _log.isEnabledFor(logging.DEBUG)
        started = clients.clock.monotonic() if debug else 0.0
        try:
            response = clients.transport.send(
                HttpRequest(request.method, request.endpoint, request.target, headers, request.body),
                connect_timeout_s=min(config.connectTimeoutSeconds, left_s),
                read_timeout_s=min(config.readTimeoutSeconds, left_s),
            )
        except ExchangeFailed as failed:
            if debug:
                self._note(run, failed.kind, started)
            from ecs_connector import failures

            return *failures.no_answer(run, failed), None
        if debug:
            self._note(run, str(response.status), started, parse.request_id(response))
        if response.status != 200:
            from ecs_connector import failures

            return *failures.refused(clients.model, run, response, clients.clock.now().timestamp()), response
        if skew_s:
            self._forget_skew(response)
        return response

    def _note(self, run: Run, outcome: str, started: float, request_id: str | None = None) -> None:
        """Log one attempt: names, numbers and codes, nothing that came from the input or the credentials."""
        from ecs_connector.failures import shown_id

        elapsed_ms = (self.clients.clock.monotonic() - started) * 1000
        why = f" after {run.retried[-1]}" if run.retried else ""
        _log.debug(
            "%s %s attempt %d%s: %s in %.0f ms, request %s",
            run.operation.name,
            run.request.endpoint.authority,
            run.attempt,
            why,
            outcome,
            elapsed_ms,
            shown_id(request_id),
        )

    def _correct(self, kind: str, answer: HttpResponse | None, used: Credentials, skew_s: float) -> bool:
        """Get new credentials, set the clock, or take a new connection; say whether anything is different now."""
        if kind == "credentials":
            return self.provider.refresh(used)
        if kind == "skew":
            theirs = retry.http_date(answer.headers.get("date")) if answer is not None else None
            if theirs is not None:
                ahead = theirs - self.clients.clock.now().timestamp()
                self.skew_s = ahead if abs(ahead) >= _SKEW_NOTED_S else 0.0
            # Compared with what this attempt used: another thread may have set the clock meanwhile.
            return abs(self.skew_s - skew_s) >= 1
        return True

    def _forget_skew(self, response: HttpResponse) -> None:
        """Fall back to our own clock once it agrees with AWS's again."""
        theirs = retry.http_date(response.headers.get("date"))
        if theirs is not None and abs(theirs - self.clients.clock.now().timestamp()) < _SKEW_NOTED_S:
            self.skew_s = 0.0
