"""Checks credentials as a person would: who am I, and may I call ECS?

Two harmless calls: STS GetCallerIdentity, signed by the same signer, then ECS ListClusters. What can be
wrong has a text of its own that says what to do; none of them holds a secret. That STS cannot be reached
(a closed network) or does not answer as STS does (a stand-in) is no failure when ECS answers.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from ecs_connector.address import is_loopback
from ecs_connector.advice import ADVICE, problem
from ecs_connector.client import Client, Step
from ecs_connector.connection import ExchangeFailed
from ecs_connector.context import Context
from ecs_connector.endpoint import Partitions, resolve
from ecs_connector.errors import (
    CallError,
    ConfigError,
    ConnectorError,
    CredentialsError,
    EndpointError,
    ServiceError,
    TransportError,
)
from ecs_connector.failures import mask
from ecs_connector.values import Endpoint, HttpRequest, HttpResponse

_FORM = b"Action=GetCallerIdentity&Version=2011-06-15"
_XML = {name: re.compile(rf"<{name}>([^<]{{1,2048}})</{name}>") for name in ("Account", "Arn")}
#: What is wrong -> the field that is to blame.
_FIELDS = {"key": "accessKeyId", "secret": "secretAccessKey", "expired": "sessionToken", "region": "region"}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the credentials belong to, as far as AWS says."""

    region: str
    endpoint: str
    account: str | None = None
    arn: str | None = None
    #: What is not in order although the calls went well.
    warning: str | None = None

    def report(self) -> dict[str, Any]:
        """Return the identity as the platform and the terminal show it."""
        report = {
            "verified": True,
            "account": self.account,
            "arn": self.arn,
            "region": self.region,
            "endpoint": self.endpoint,
            "warning": self.warning,
        }
        return {name: value for name, value in report.items() if value is not None}


def verify(config: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return what the platform's credential check answers: `verified`, and who it is or why not."""
    try:
        return check(config, context).report()
    except ConnectorError as error:
        return {"verified": False, "reason": error.user_message}


def check(config: Mapping[str, Any], context: Context) -> Identity:
    """Return the identity that the credentials belong to.

    Raises:
        ConfigError: Key, secret, token, region or clock is wrong.
        ServiceError: ECS refuses the call, for example for want of a permission.
        TransportError: There was no usable answer.
    """
    step = context.clients.step("ListClusters", config)
    client = step.client
    identity = Identity(client.endpoint.signing_region, client.endpoint.url)
    try:
        account, arn = _who_am_i(step)
        identity = replace(identity, account=account, arn=arn)
    except CallError as error:
        mask(error, {*client.provider.secrets(), step.config.secretAccessKey, step.config.sessionToken})
        _raise_if_certain(error)
        identity = replace(identity, warning="AWS STS could not be asked who this is; ECS answers.")
    try:
        client.call(step.operation, {"maxResults": 1}, step.config)
    except CallError as error:
        _raise_if_certain(error)
        raise _explained(error, step, identity) from error.__cause__
    if client.skew_s:
        ahead = "behind" if client.skew_s > 0 else "ahead of"
        text = (
            f"This machine's clock is {abs(client.skew_s):.0f} s {ahead} AWS's; calls allow for it, but set the clock."
        )
        identity = replace(identity, warning=text)
    return identity


@dataclass(frozen=True, slots=True)
class _Call:
    name: str


def _who_am_i(step: Step) -> tuple[str | None, str | None]:
    clients, config = step.client.clients, step.config
    endpoint = sts_endpoint(
        step.client.endpoint, clients.partitions, fips=config.useFips, dual_stack=config.useDualStack
    )
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "host": endpoint.authority,
        "user-agent": clients.user_agent,
        "accept": "application/json",
    }
    client = Client(clients, step.client.provider, endpoint)
    request = HttpRequest("POST", endpoint, endpoint.path, headers, _FORM)
    response, _ = client.exchange(_Call("GetCallerIdentity"), request, config, safe=True)
    return _parsed(response)


def _parsed(response: HttpResponse) -> tuple[str | None, str | None]:
    """Return account and ARN; STS answers JSON when asked for it, and stand-ins may answer XML all the same."""
    text = response.body.decode("utf-8", "replace")
    try:
        result = json.loads(text)["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
        found = [result.get("Account"), result.get("Arn")]
    except (ValueError, KeyError, TypeError, AttributeError):
        found = [match[1] if (match := pattern.search(text)) else None for pattern in _XML.values()]
    account, arn = (value if isinstance(value, str) else None for value in found)
    return account, arn


def sts_endpoint(ecs: Endpoint, partitions: Partitions, *, fips: Any = False, dual_stack: Any = False) -> Endpoint:
    """Return where STS is asked: the environment's choice, a stand-in for ECS on this machine, or AWS's of the region."""
    region, named = ecs.signing_region, os.environ.get("AWS_ENDPOINT_URL_STS")
    if named:
        return resolve(region, partitions=partitions, endpoint=named, service="sts")
    if is_loopback(ecs.host):
        return ecs._replace(signing_name="sts")
    # In this partition every STS endpoint is a FIPS one; only those with dual-stack say so in their name.
    named_fips = bool(fips) and (bool(dual_stack) or partitions.partition(region)["id"] != "aws-us-gov")
    return resolve(region, partitions=partitions, use_fips=named_fips, use_dual_stack=bool(dual_stack), service="sts")


def _raise_if_certain(error: CallError) -> None:
    """Raise what an answer of STS or ECS leaves no doubt about."""
    if not isinstance(error, ServiceError):
        return
    found = problem(error.code, error.message, error.status)
    if found in ("key", "secret", "expired", "region", "clock"):
        said = error.message.partition("\n")[0]
        kind = (
            CredentialsError
            if found in ("key", "secret", "expired")
            else EndpointError
            if found == "region"
            else ConfigError
        )
        raise kind(f"{ADVICE[found]} AWS says: {said} ({error.code})", field=_FIELDS.get(found)) from None


def _explained(error: CallError, step: Step, identity: Identity) -> ConnectorError:
    """Return ECS's failure, with what is known besides."""
    endpoint, cause = step.client.endpoint, error.__cause__
    if isinstance(error, ServiceError) and problem(error.code, error.message, error.status) == "permission":
        who = f" Identity: {identity.arn}." if identity.arn else ""
        text = f"{error.user_message}{who} Needed for this check: ecs:ListClusters."
    elif isinstance(error, TransportError) and isinstance(cause, ExchangeFailed) and not step.config.endpoint:
        regions = step.client.clients.partitions.regions
        if cause.kind == "dns" and endpoint.region not in regions:
            near = get_close_matches(endpoint.region, regions, n=1)
            hint = f" Did you mean {near[0]}?" if near else " Set region to one like eu-central-1."
            return EndpointError(
                f"region: AWS has no region {endpoint.region!r} that is known here, and {endpoint.host} does not exist.{hint}",
                field="region",
            )
        text = f"{endpoint.authority} cannot be reached. {error.user_message}"
    else:
        text = error.user_message
    error.user_message = text
    error.args = (text,)
    return error
