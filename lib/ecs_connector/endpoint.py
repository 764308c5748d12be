"""Decides where an operation is sent, and refuses where it must not be sent.

Equal to the rule set of botocore's ECS model for every region, FIPS and dual-stack; the partitions are
data, and botocore is not imported.

Source: botocore data/ecs/2014-11-13/endpoint-rule-set-1.json, data/partitions.json
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ecs_connector.address import check_address, is_loopback
from ecs_connector.errors import EndpointError
from ecs_connector.model import read_data
from ecs_connector.values import Endpoint

_REGION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?\Z|[0-9a-f:.]+(?:%[a-z0-9._-]+)?\Z")
#: Empty, `.` and `..` segments: whether they count is not agreed on, and the signature covers the path.
_ODD_PATH = re.compile(r"//|/\.\.?(?:/|\Z)")


class Partitions:
    """The partitions of AWS. Source: data/partitions.json, made by `make generate`."""

    def __init__(self, partitions: Sequence[dict[str, Any]]) -> None:
        self._partitions = partitions

    @classmethod
    def load(cls) -> Partitions:
        """Read the partitions that ship with the package."""
        return cls(read_data("partitions.json"))

    @property
    def regions(self) -> list[str]:
        """Every region that the model names."""
        return [region for partition in self._partitions for region in partition["regions"]]

    def partition(self, region: str) -> dict[str, Any]:
        """Return the partition of a region: by name, then by pattern, else `aws`, as the SDKs do."""
        for partition in self._partitions:
            if region in partition["regions"]:
                return partition
        for partition in self._partitions:
            if re.match(partition["regionRegex"], region):
                return partition
        return self._partitions[0]


def resolve(
    region: str | None,
    *,
    partitions: Partitions,
    endpoint: str | None = None,
    signing_region: str | None = None,
    use_fips: bool = False,
    use_dual_stack: bool = False,
    service: str = "ecs",
) -> Endpoint:
    """Return the endpoint of a region, or the custom one.

    Raises:
        EndpointError: There is no region, the combination does not exist, or the URL is not one that a
            signed request may be sent to.
    """
    if endpoint:
        return _custom(
            endpoint, region, signing_region, use_fips=use_fips, use_dual_stack=use_dual_stack, service=service
        )
    if not region:
        raise EndpointError(
            "No region: set the field region, for example eu-central-1 (or AWS_REGION on a terminal).", field="region"
        )
    _check_region(region, "region")
    partition = partitions.partition(region)
    if use_fips and not partition["supportsFIPS"]:
        raise EndpointError(f"useFips: the partition of {region} has no FIPS endpoints.", field="useFips")
    if use_dual_stack and not partition["supportsDualStack"]:
        raise EndpointError(
            f"useDualStack: the partition of {region} has no dual-stack endpoints.", field="useDualStack"
        )
    suffix = partition["dualStackDnsSuffix"] if use_dual_stack else partition["dnsSuffix"]
    host = f"{service}{'-fips' if use_fips else ''}.{region}.{suffix}"
    return Endpoint(
        url=f"https://{host}",
        scheme="https",
        host=host,
        port=443,
        authority=host,
        path="/",
        region=region,
        signing_region=signing_region or region,
        signing_name=service,
    )


def _check_region(region: str, field: str) -> None:
    if not _REGION.match(region):
        raise EndpointError(f"{field}: {region!r} is not a region name; expected one like eu-central-1.", field=field)


def _custom(
    url: str, region: str | None, signing_region: str | None, *, use_fips: bool, use_dual_stack: bool, service: str
) -> Endpoint:
    if use_fips or use_dual_stack:
        name = "useFips" if use_fips else "useDualStack"
        raise EndpointError(f"{name}: cannot be combined with a custom endpoint; leave one out.", field=name)
    scheme, host, port, prefix = _split(url)
    where = signing_region or region
    if not where:
        raise EndpointError(
            "No region: a custom endpoint needs the region that it checks signatures for; set region or signingRegion.",
            field="region",
        )
    _check_region(where, "signingRegion" if signing_region else "region")
    bracketed = f"[{host}]" if ":" in host else host
    authority = bracketed if port == _PORTS[scheme] else f"{bracketed}:{port}"
    path = prefix if prefix.endswith("/") else prefix + "/"
    return Endpoint(
        url=f"{scheme}://{authority}{path.rstrip('/')}",
        scheme=scheme,
        host=host,
        port=port,
        authority=authority,
        path=path,
        region=region or where,
        signing_region=where,
        signing_name=service,
    )


def _split(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path of a URL that a signed request may be sent to.

    Raises:
        EndpointError: It is none, or it hides something.
    """
    from urllib.parse import urlsplit

    if not url.isascii() or not url.isprintable() or any(character in url for character in ' \\"<>^`{|}'):
        raise EndpointError(
            "endpoint: the URL has spaces, control characters or others that no URL has; write names of other scripts in "
            "their xn-- form.",
            field="endpoint",
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise EndpointError("endpoint: this is not a URL; expected https://host[:port][/path].", field="endpoint")
    host = (parts.hostname or "").rstrip(".")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise EndpointError(
            "endpoint: the URL has a user name or password in it; use the credential fields.", field="endpoint"
        )
    if parts.scheme not in _PORTS or not _HOST.match(host):
        raise EndpointError(
            f"endpoint: expected https://host[:port][/path], not a URL of scheme {parts.scheme or 'none'!r}.",
            field="endpoint",
        )
    if parts.query or parts.fragment or _ODD_PATH.search(parts.path):
        raise EndpointError(
            "endpoint: the URL has a query, a fragment or a path with empty or dotted parts; leave them out.",
            field="endpoint",
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise EndpointError(
            f"endpoint: http is only for this machine (localhost); use https for {host}.", field="endpoint"
        )
    check_address(host, host)
    return parts.scheme, host, port or _PORTS[parts.scheme], parts.path
