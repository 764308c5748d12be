"""Clients: one for each set of credentials and endpoint, over one transport.

A client signs, sends, reads and repeats. Every attempt is signed anew, with the clock corrected by
what AWS has said of the time.
"""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ecs_connector import parse, retry, serialize
from ecs_connector.clock import Clock
from ecs_connector.config import Fields, StepConfig
from ecs_connector.connection import ExchangeFailed
from ecs_connector.credentials import CredentialsProvider, provider
from ecs_connector.endpoint import Partitions, resolve
from ecs_connector.errors import CallError, ServiceError, TransportError
from ecs_connector.model import Model, Operation
from ecs_connector.pacing import Pacer
from ecs_connector.signer import Scope, Signer
from ecs_connector.transport import SwitchingTransport, Transport
from ecs_connector.values import Credentials, Endpoint, Evidence, HttpRequest, HttpResponse, Output

#: A client is shared by steps whose configuration agrees in these fields.
_IDENTITY = (
    "credentialSource", "accessKeyId", "secretAccessKey", "sessionToken", "roleArn", "externalId", "roleSessionName",
    "region", "endpoint", "signingRegion", "useFips", "useDualStack",
)  # fmt: skip
#: Clocks that differ by less than this are taken to agree, in seconds; AWS accepts five minutes.
_SKEW_NOTED_S = 240
#: Configurations that are kept parsed.
_MAX_STEPS = 256


@dataclass(frozen=True, slots=True)
class Step:
    """An operation together with its parsed configuration and the client that serves it."""

    operation: Operation
    config: StepConfig
    client: Client


class Clients:
    """Everything that calls share: model, transport, signing keys, and a client for each identity."""

    def __init__(
        self,
        *,
        clock: Clock,
        random: Callable[[], float],
        version: str,
        transport: Transport | None = None,
        model: Model | None = None,
    ) -> None:
        self.clock = clock
        self.random = random
        self.version = version
        self.model = model if model is not None else Model.load()
        self.fields = Fields.load()
        self.transport: Transport = transport if transport is not None else SwitchingTransport()
        self.signer = Signer()
        self.user_agent = f"ecs-connector/{version} python/{platform.python_version()}"
        self._partitions: Partitions | None = None
        self._clients: dict[tuple[Any, ...], Client] = {}
        self._steps: dict[tuple[str, frozenset[tuple[str, Any]]], Step] = {}
        self._lock = threading.Lock()
        #: Things that are shared by name between the messages of a process: pollers, compiled schemas.
        self.shared: dict[Any, Any] = {}

    @property
    def partitions(self) -> Partitions:
        """AWS's partitions, read when first asked for."""
        if self._partitions is None:
            self._partitions = Partitions.load()
        return self._partitions

    def step(self, name: str, config: Mapping[str, Any]) -> Step:
        """Return an operation with its configuration parsed, from the cache where both are known.

        Raises:
            ConfigError: A field is wrong, or credentials or region are missing.
        """
        try:
            key = (name, frozenset(config.items()))
            found = self._steps.get(key)
        except TypeError:  # a list among the values: not worth a key
            return self._step(name, config)
        if found is None:
            found = self._step(name, config)
            if len(self._steps) >= _MAX_STEPS:
                self._steps.clear()
            self._steps[key] = found
        return found

    def _step(self, name: str, config: Mapping[str, Any]) -> Step:
        operation = self.model.operation(name)
        parsed = self.fields.parse(config, operation.waits)
        return Step(operation, parsed, self.client(parsed))

    def client(self, config: StepConfig) -> Client:
        """Return the client of an identity; never one that other credentials made."""
        key = tuple(getattr(config, name) for name in _IDENTITY)
        found = self._clients.get(key)
        if found is None:
            endpoint = resolve(
                config.region,
                partitions=self.partitions,
                endpoint=config.endpoint,
                signing_region=config.signingRegion,
                use_fips=bool(config.useFips),
                use_dual_stack=bool(config.useDualStack),
            )
            made = Client(self, provider(config, clock=self.clock), endpoint)
            with self._lock:
                found = self._clients.setdefault(key, made)
        return found

    def close(self) -> None:
        """Close pooled connections."""
        self.transport.close()


class Client:
    """Calls operations of one endpoint with one identity."""

    def __init__(self, clients: Clients, credentials: CredentialsProvider, endpoint: Endpoint) -> None:
        self.clients = clients
        self.endpoint = endpoint
        self.provider = credentials
        self.quota = retry.Quota()
        self.pacer = Pacer(clients.clock)
        self._scope = Scope(endpoint.signing_region, endpoint.signing_name)
        #: What AWS's clock is ahead of ours, in seconds, once the difference has mattered.
        self.skew_s = 0.0
        model = clients.model
        self._headers = {
            "content-type": model.content_type,
            "host": endpoint.authority,
            "user-agent": clients.user_agent,
            "accept": "application/json",
        }

    def call(self, operation: Operation, params: Mapping[str, Any], config: StepConfig) -> Output:
        """Send an operation's input and return its output.

        Raises:
            ServiceError: ECS answered with an error.
            TransportError: There was no usable answer.
            CredentialsError: There are no credentials to sign with.
        """
        model = self.clients.model
        body = serialize.body(operation, params)
        request = HttpRequest(
            "POST",
            self.endpoint,
            serialize.target(model, operation, self.endpoint.path),
            {**self._headers, "x-amz-target": f"{model.target_prefix}.{operation.name}"},
            body,
        )
        response, evidence = self.exchange(operation, request, config, safe=operation.retry_safe(params))
        raw = config.timestamps == "raw"
        return Output(parse.output(operation, response, raw_timestamps=raw), evidence)

    def exchange(
        self, operation: Operation, request: HttpRequest, config: StepConfig, *, safe: bool, scope: Scope | None = None
    ) -> tuple[HttpResponse, Evidence]:
        """Send a request until it is answered with 200, or repeating it would not help or not be safe."""
        clock, random = self.clients.clock, self.clients.random
        attempt, paid, retried = 0, 0, []
        #: Repetitions that are free of the attempt limit: new credentials, a corrected clock. One each.
        corrected: set[str] = set()
        limit = max(1, config.maxAttempts or 1)
        started = clock.monotonic()
        while True:
            attempt += 1
            self.pacer.wait()
            used = self.provider.credentials()
            failure, error, answer = self._attempt(operation, request, config, scope or self._scope, used, attempt)
            if error is None and answer is not None:
                self.quota.refund(paid)
                self.pacer.succeeded()
                return answer, Evidence(parse.request_id(answer), attempt, tuple(retried))
            assert error is not None  # noqa: S101 - an attempt ends in an answer or an error
            if failure.kind in ("credentials", "skew"):
                if failure.kind in corrected or not self._correct(failure.kind, answer, used):
                    raise error
                corrected.add(failure.kind)
                retried.append(failure.kind)
                continue
            if failure.kind == "throttle":
                self.pacer.throttled()
            error.retryable = retry.may_repeat(failure, safe=safe)
            if not error.retryable or attempt - len(corrected) >= limit:
                raise error
            pause = retry.pause_s(failure, attempt - len(corrected), random)
            if clock.monotonic() - started + pause > config.totalTimeoutSeconds:
                raise error
            cost = self.quota.pay(failure.kind or "server")
            if cost is None:
                raise error
            paid = cost
            retried.append(error.code if isinstance(error, ServiceError) else failure.kind or "server")
            clock.sleep(pause)

    def _attempt(
        self,
        operation: Operation,
        request: HttpRequest,
        config: StepConfig,
        scope: Scope,
        credentials: Credentials,
        attempt: int,
    ) -> tuple[retry.Failure, CallError | None, HttpResponse | None]:
        """Sign and send once."""
        at = self.clients.clock.now()
        if self.skew_s:
            at += timedelta(seconds=self.skew_s)
        headers = self.clients.signer.sign(
            request.method, request.target, request.headers, request.body, credentials=credentials, scope=scope, at=at
        )
        try:
            response = self.clients.transport.send(
                replace(request, headers=headers),
                connect_timeout_s=config.connectTimeoutSeconds,
                read_timeout_s=config.readTimeoutSeconds,
            )
        except ExchangeFailed as failed:
            return self._no_answer(operation, failed, attempt)
        if response.status == 200:
            if self.skew_s:
                self._forget_skew(response)
            return _FINE, None, response
        return self._refused(operation, response, attempt)

    def _no_answer(
        self, operation: Operation, failed: ExchangeFailed, attempt: int
    ) -> tuple[retry.Failure, CallError, None]:
        # A certificate or a malformed answer stays what it is; a cut or silence may pass.
        kind = None if failed.kind in ("tls", "malformed") else "transport"
        error = TransportError(
            f"{operation.name}: {failed}. {_REMEDIES.get(failed.kind, 'Try again later.')}",
            operation=operation.name,
            sent=failed.sent,
            attempts=attempt,
        )
        error.__cause__ = failed
        return retry.Failure(kind, maybe_done=failed.sent), error, None

    def _refused(
        self, operation: Operation, response: HttpResponse, attempt: int
    ) -> tuple[retry.Failure, CallError, HttpResponse]:
        status = response.status
        if status < 400:
            error: CallError = TransportError(
                f"{operation.name}: {self.endpoint.authority} answered with status {status}"
                f"{' (a redirect)' if status // 100 == 3 else ''}; a signed request is never sent elsewhere. "
                "Check the endpoint field.",
                operation=operation.name,
                sent=True,
                attempts=attempt,
                request_id=parse.request_id(response),
            )
            return retry.Failure(None, maybe_done=True), error, response
        from ecs_connector.hidden_errors import kind_of

        error = parse.service_error(self.clients.model, operation, response, attempts=attempt)
        kind = kind_of(error.code, error.message, status)
        error.kind = kind
        hint = retry.hint_s(response.headers, self.clients.clock.now().timestamp())
        return retry.Failure(kind, maybe_done=kind == "server", hint_s=hint), error, response

    def _correct(self, kind: str, answer: HttpResponse | None, used: Credentials) -> bool:
        """Get new credentials, or set the clock; say whether anything is different now."""
        if kind == "credentials":
            return self.provider.refresh(used)
        theirs = retry.http_date(answer.headers.get("date")) if answer is not None else None
        if theirs is None:
            return False
        skew = theirs - self.clients.clock.now().timestamp()
        if abs(skew - self.skew_s) < 1:
            return False
        self.skew_s = skew if abs(skew) >= _SKEW_NOTED_S else 0.0
        return True

    def _forget_skew(self, response: HttpResponse) -> None:
        """Fall back to our own clock once it agrees with AWS's again."""
        theirs = retry.http_date(response.headers.get("date"))
        if theirs is not None and abs(theirs - self.clients.clock.now().timestamp()) < _SKEW_NOTED_S:
            self.skew_s = 0.0


_FINE = retry.Failure(None, maybe_done=False)
_REMEDIES = {
    "dns": "Check the region and the endpoint field, and that this machine resolves names.",
    "connect": "Check the region and the endpoint field, and that the network lets this machine out.",
    "connect_timeout": "Check the region and the endpoint field, and that the network lets this machine out.",
    "tls": "Check the endpoint field; behind a proxy that opens TLS, set AWS_CA_BUNDLE to its certificate.",
    "malformed": "Check that the endpoint is an Amazon ECS endpoint.",
    "read_timeout": "The request may have been carried out: look before sending it again.",
    "cut": "The request may have been carried out: look before sending it again.",
}
__all__ = ["Client", "Clients", "Credentials", "Step"]
