"""Gives credentials that have to be fetched: a role's, and those of AWS's default chain.

The only module that imports botocore at run time. Fetched credentials are renewed before they expire, by
one thread for all that wait; a renewal that fails while the old ones are good is tried again later.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ecs_connector.address import is_loopback
from ecs_connector.advice import ADVICE, problem
from ecs_connector.clock import Clock
from ecs_connector.config import StepConfig
from ecs_connector.credentials import CredentialsProvider, secrets_of, static_credentials
from ecs_connector.errors import CredentialsError
from ecs_connector.redact import Redactor
from ecs_connector.values import Credentials

#: How long before they expire credentials are renewed while the old ones serve on, and how long before
#: they expire nobody may use them any more; both at most this part of their lifetime.
#: Source: botocore.credentials.RefreshableCredentials
_ADVISORY = (timedelta(minutes=15), 1 / 4)
_MANDATORY = (timedelta(minutes=10), 1 / 6)
_SESSION_NAME = "ecs-connector"
#: Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_PATTERNS = {
    "roleArn": (re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[!-~]{1,512}\Z"), "arn:aws:iam::123456789012:role/name"),
    "roleSessionName": (re.compile(r"[\w+=,.@-]{2,64}\Z", re.ASCII), "2 to 64 letters, digits or any of _+=,.@-"),
    "externalId": (re.compile(r"[\w+=,.@:/-]{2,1224}\Z", re.ASCII), "2 to 1224 letters, digits or any of _+=,.@:/-"),
}

#: Fetches credentials; raises what botocore raises.
Fetch = Callable[[], Credentials]


def source_provider(config: StepConfig, *, clock: Clock) -> CredentialsProvider:
    """Return the provider of a configuration with a role, or with `credentialSource: environment`.

    Nothing is fetched before the first call.

    Raises:
        CredentialsError: A field is missing, or cannot be what it says.
    """
    for name, (pattern, form) in _PATTERNS.items():
        value = getattr(config, name)
        if value and not pattern.match(value):
            raise CredentialsError(f"{name}: this cannot be one; expected {form}.", field=name)
    if config.credentialSource == "environment":
        chain: CredentialsProvider = ChainProvider()
        source: Fetch = chain.credentials
    else:
        static = static_credentials(config)
        source = lambda: static  # noqa: E731 - a function of one value
    if not config.roleArn:
        return chain
    return RefreshingProvider(role_fetcher(config, source), clock=clock, what=f"The role {config.roleArn}")


class RefreshingProvider:
    """Credentials that expire, renewed in time."""

    def __init__(self, fetch: Fetch, *, clock: Clock, what: str) -> None:
        self._fetch = fetch
        self._clock = clock
        self._what = what
        self._lock = threading.Lock()
        self._held: Credentials | None = None
        self._renew_at: datetime | None = None
        self._unusable_at: datetime | None = None

    def credentials(self) -> Credentials:
        """Return credentials with some of their lifetime left."""
        held, now = self._held, self._clock.now()
        if held is not None and (self._renew_at is None or now < self._renew_at):
            return held
        if held is not None and self._unusable_at is not None and now < self._unusable_at:
            return self._renew_early(held)
        with self._lock:
            if self._held is not held and self._held is not None:
                return self._held  # another thread has fetched them while this one waited
            return self._renew()

    def refresh(self, stale: Credentials) -> bool:
        """Fetch new ones unless another thread has; say whether there are other ones now."""
        with self._lock:
            if self._held is stale or self._held is None:
                self._renew()
            return self._held != stale

    def secrets(self) -> tuple[str, ...]:
        return secrets_of(self._held)

    def _renew_early(self, held: Credentials) -> Credentials:
        """Let one thread renew; the others, and all if it fails, go on with what is still good."""
        if not self._lock.acquire(blocking=False):
            return held
        try:
            return self._renew() if self._held is held else self._held or held
        except CredentialsError:
            return held
        finally:
            self._lock.release()

    def _renew(self) -> Credentials:
        try:
            fetched = self._fetch()
        except (BotoCoreError, ClientError) as error:
            raise _refusal(self._what, error, secrets_of(self._held)) from None
        now, expires_at = self._clock.now(), fetched.expires_at
        self._renew_at = self._unusable_at = None
        if expires_at is not None:
            lifetime = expires_at - now
            if lifetime <= timedelta(0):
                raise CredentialsError(
                    f"{self._what}: new credentials have expired already. {ADVICE['clock']}", field="roleArn"
                )
            self._renew_at = expires_at - min(_ADVISORY[0], lifetime * _ADVISORY[1])
            self._unusable_at = expires_at - min(_MANDATORY[0], lifetime * _MANDATORY[1])
        self._held = fetched
        return fetched


class ChainProvider:
    """AWS's default chain: environment, profile, SSO, web identity, container, instance; botocore renews them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Any = None
        self._held: Credentials | None = None

    def credentials(self) -> Credentials:
        """Return what the chain has now."""
        with self._lock:
            return self._frozen()

    def refresh(self, stale: Credentials) -> bool:
        """Go through the chain anew; say whether it has others now."""
        with self._lock:
            if self._held == stale:
                self._found = None
            return self._frozen() != stale

    def secrets(self) -> tuple[str, ...]:
        return secrets_of(self._held)

    def _frozen(self) -> Credentials:
        try:
            if self._found is None:
                self._found = botocore.session.Session().get_credentials()
            frozen = self._found.get_frozen_credentials() if self._found is not None else None
        except (BotoCoreError, ClientError) as error:
            raise _refusal("The environment's credentials", error, secrets_of(self._held)) from None
        if frozen is None or not frozen.access_key or not frozen.secret_key:
            raise CredentialsError(
                "credentialSource: the environment has no AWS credentials. Set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or run with a role; or set the keys in the credentials.",
                field="credentialSource",
            )
        held = self._held
        if held is None or (held.access_key_id, held.secret_access_key, held.session_token) != tuple(frozen)[:3]:
            self._held = held = Credentials(frozen.access_key, frozen.secret_key, frozen.token or None)
        return held


def role_fetcher(config: StepConfig, source: Fetch) -> Fetch:
    """Return a function that takes on the role of a configuration with the credentials of a source."""
    request = {"RoleArn": config.roleArn, "RoleSessionName": config.roleSessionName or _SESSION_NAME}
    if config.externalId:
        request["ExternalId"] = config.externalId

    def fetch() -> Credentials:
        keys = source()
        answer = _sts(config, keys).assume_role(**request)["Credentials"]
        return Credentials(
            answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"], expires_at=answer["Expiration"]
        )

    return fetch


def _sts(config: StepConfig, keys: Credentials) -> Any:
    return botocore.session.Session().create_client(
        "sts",
        region_name=config.signingRegion or config.region,
        endpoint_url=_stand_in(config),
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        aws_session_token=keys.session_token,
        config=Config(
            connect_timeout=config.connectTimeoutSeconds,
            read_timeout=config.readTimeoutSeconds,
            retries={"mode": "standard", "total_max_attempts": config.maxAttempts},
            use_fips_endpoint=bool(config.useFips),
            use_dualstack_endpoint=bool(config.useDualStack),
        ),
    )


def _stand_in(config: StepConfig) -> str | None:
    """Return the endpoint of a stand-in for ECS on this machine, which answers for STS too."""
    if not config.endpoint or os.environ.get("AWS_ENDPOINT_URL_STS"):
        return None
    from urllib.parse import urlsplit

    url: str = config.endpoint
    return url if is_loopback(urlsplit(url).hostname or "") else None


def _refusal(what: str, error: Exception, secrets: tuple[str, ...]) -> CredentialsError:
    """Say why credentials could not be had and what to do; botocore's texts may quote what was sent."""
    redactor = Redactor(secrets)
    if isinstance(error, ClientError):
        said = error.response.get("Error", {})
        code, text = str(said.get("Code", "")), str(said.get("Message", "")).partition("\n")[0]
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        found = problem(code, text, status)
        advice = _TRUST if found == "permission" else ADVICE.get(found or "", "Try again later.")
        return CredentialsError(redactor.text(f"{what}: AWS STS refuses ({code}: {text}). {advice}"), field="roleArn")
    advice = "Check the region, and that the network lets this machine out to AWS STS."
    if "Connect" not in type(error).__name__ and "Timeout" not in type(error).__name__:
        advice = "Check the AWS settings of this machine (environment variables, profile, SSO login)."
    text = str(error).partition("\n")[0]
    return CredentialsError(redactor.text(f"{what}: cannot be used ({type(error).__name__}: {text}). {advice}"))


_TRUST = (
    "Check roleArn, that its trust policy names the identity of these keys, that externalId is the one the trust policy "
    "asks for, and that this identity may call sts:AssumeRole."
)
