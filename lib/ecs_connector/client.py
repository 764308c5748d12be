"""Clients: one for each set of credentials and endpoint, over one transport.

A client is never shared between different credentials; what it learns of its endpoint (clock, pace,
quota of repetitions) is shared by all calls through it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ecs_connector import parse, serialize
from ecs_connector.clock import Clock
from ecs_connector.config import BodyDefault, Fields, StepConfig, body_defaults
from ecs_connector.credentials import CredentialsProvider, provider
from ecs_connector.endpoint import Partitions, resolve
from ecs_connector.errors import CallError, ConfigError, ResponseError
from ecs_connector.exchange import Exchange
from ecs_connector.model import Model, Operation
from ecs_connector.signer import Signer
from ecs_connector.transport import SwitchingTransport, Transport
from ecs_connector.values import Credentials, Endpoint, HttpRequest, Output

#: A client is shared by steps whose configuration agrees in these fields.
_IDENTITY = (
    "credentialSource", "accessKeyId", "secretAccessKey", "sessionToken", "roleArn", "externalId", "roleSessionName",
    "region", "endpoint", "signingRegion", "useFips", "useDualStack",
)  # fmt: skip
#: Configurations that are kept parsed, and identities that are kept: keys may come anew with every message.
_MAX_STEPS = 256
_MAX_CLIENTS = 256


class Step(NamedTuple):
    """An operation together with its parsed configuration and the client that serves it."""

    operation: Operation
    config: StepConfig
    client: Client
    #: What the configuration sets in the body where a message leaves it out; mostly nothing.
    defaults: tuple[BodyDefault, ...] = ()


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
        self.user_agent = f"ecs-connector/{version} python/{'.'.join(map(str, sys.version_info[:3]))}"
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
        except AttributeError:
            raise ConfigError("The configuration is not a mapping of field to value.") from None
        if found is None:
            found = self._step(name, config)
            if len(self._steps) >= _MAX_STEPS:
                self._steps.clear()
            self._steps[key] = found
        return found

    def _step(self, name: str, config: Mapping[str, Any]) -> Step:
        operation = self.model.operation(name)
        parsed = self.fields.parse(config, operation.waits)
        return Step(operation, parsed, self.client(parsed), body_defaults(operation.fills, parsed))

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
                if len(self._clients) >= _MAX_CLIENTS:
                    self._clients.clear()
                found = self._clients.setdefault(key, made)
        return found

    def close(self) -> None:
        """Close pooled connections."""
        self.transport.close()


class Client(Exchange):
    """Calls operations of one endpoint with one identity."""

    def __init__(self, clients: Clients, credentials: CredentialsProvider, endpoint: Endpoint) -> None:
        super().__init__(clients, credentials, endpoint)
        #: Operation -> target and headers, which are always the same.
        self._forms: dict[str, tuple[str, dict[str, str]]] = {}

    def call(self, operation: Operation, params: Mapping[str, Any], config: StepConfig) -> Output:
        """Send an operation's input and return its output.

        Raises:
            ServiceError: ECS answered with an error.
            TransportError: There was no usable answer.
            CredentialsError: There are no credentials to sign with.
        """
        target, headers = self._forms.get(operation.name) or self._form(operation)
        request = HttpRequest("POST", self.endpoint, target, headers, serialize.body(operation, params))
        try:
            response, evidence = self.exchange(operation, request, config, safe=operation.retry_safe(params))
            try:
                body = parse.output(operation, response, raw_timestamps=config.timestamps == "raw")
            except ResponseError as error:
                error.attempts = evidence.attempts
                error.retryable = operation.retry_safe(params)
                raise
        except CallError as error:
            from ecs_connector import failures
            from ecs_connector.redact import secrets_in

            own = (config.secretAccessKey, config.sessionToken, config.externalId)
            failures.mask(error, {*secrets_in(params, operation.secrets_in), *own, *self.provider.secrets()})
            raise
        return Output(body, evidence)

    def _form(self, operation: Operation) -> tuple[str, dict[str, str]]:
        model = self.clients.model
        headers = {
            "content-type": model.content_type,
            "host": self.endpoint.authority,
            "user-agent": self.clients.user_agent,
            "x-amz-target": f"{model.target_prefix}.{operation.name}",
        }
        form = self._forms[operation.name] = (serialize.target(model, operation, self.endpoint.path), headers)
        return form


__all__ = ["Client", "Clients", "Credentials", "Step"]
