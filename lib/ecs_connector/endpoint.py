"""Decides where an operation is sent, and refuses where it must not be sent.

Equal to the rule set of botocore's ECS model for every region, FIPS and dual-stack; the partitions are
data, and botocore is not imported.

Source: botocore data/ecs/2014-11-13/endpoint-rule-set-1.json, data/partitions.json
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ecs_connector.errors import EndpointError
from ecs_connector.model import read_data
from ecs_connector.values import Endpoint

_REGION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_PORTS = {"https": 443, "http": 80}


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
        return _custom(endpoint, region, signing_region, use_fips=use_fips, use_dual_stack=use_dual_stack, service=service)
    if not region:
        raise EndpointError(
            "No region: set the field region, for example eu-central-1 (or AWS_REGION on a terminal).", field="region"
        )
    if not _REGION.match(region):
        raise EndpointError(f"region: {region!r} is not a region name.", field="region")
    partition = partitions.partition(region)
    if use_fips and not partition["supportsFIPS"]:
        raise EndpointError(f"useFips: the partition of {region} has no FIPS endpoints.", field="useFips")
    if use_dual_stack and not partition["supportsDualStack"]:
        raise EndpointError(f"useDualStack: the partition of {region} has no dual-stack endpoints.", field="useDualStack")
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


def _custom(
    url: str, region: str | None, signing_region: str | None, *, use_fips: bool, use_dual_stack: bool, service: str
) -> Endpoint:
    if use_fips or use_dual_stack:
        name = "useFips" if use_fips else "useDualStack"
        raise EndpointError(f"{name}: cannot be combined with a custom endpoint; leave one out.", field=name)
    from urllib.parse import urlsplit

    if any(ord(character) <= 32 or ord(character) == 127 for character in url) or "\\" in url:
        raise EndpointError("endpoint: the URL has spaces, backslashes or control characters.", field="endpoint")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise EndpointError("endpoint: this is not a URL; expected https://host[:port][/path].", field="endpoint") from None
    host = (parts.hostname or "").rstrip(".")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise EndpointError("endpoint: the URL has a user name or password in it; use the credential fields.", field="endpoint")
    if parts.scheme not in _PORTS or not host:
        raise EndpointError(
            f"endpoint: expected https://host[:port][/path], not a URL of scheme {parts.scheme or 'none'!r}.", field="endpoint"
        )
    if parts.query or parts.fragment:
        raise EndpointError("endpoint: the URL has a query or a fragment; leave them out.", field="endpoint")
    if parts.scheme == "http" and not is_loopback(host):
        raise EndpointError(
            f"endpoint: http is only for this machine (localhost); use https for {host}.", field="endpoint"
        )
    check_address(host, host)
    where = signing_region or region
    if not where:
        raise EndpointError(
            "No region: a custom endpoint needs the region that it checks signatures for; set region or signingRegion.",
            field="region",
        )
    port = port or _PORTS[parts.scheme]
    bracketed = f"[{host}]" if ":" in host else host
    authority = bracketed if port == _PORTS[parts.scheme] else f"{bracketed}:{port}"
    path = parts.path if parts.path.endswith("/") else parts.path + "/"
    return Endpoint(
        url=f"{parts.scheme}://{authority}{path.rstrip('/')}",
        scheme=parts.scheme,
        host=host,
        port=port,
        authority=authority,
        path=path,
        region=region or where,
        signing_region=where,
        signing_name=service,
    )


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine by its name or address alone."""
    return host == "localhost" or host.endswith(".localhost") or host == "::1" or bool(_LOOPBACK.match(host))


_LOOPBACK = re.compile(r"127(?:\.\d{1,3}){3}\Z")
#: Names under which clouds serve the identity of a machine to whoever asks from it.
_METADATA_NAMES = frozenset({"metadata.google.internal", "metadata", "instance-data", "instance-data.ec2.internal"})
#: AWS's metadata addresses that are not link-local: IPv6 instance metadata and its alternates.
_METADATA_ADDRESSES = frozenset({"fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "100.100.100.200", "168.63.129.16"})


def check_address(host: str, address: str) -> None:
    """Refuse a link-local, metadata or otherwise unroutable address; called again for what a name resolves to.

    Raises:
        EndpointError: A signed request must not be sent there.
    """
    bad = address.lower() in _METADATA_NAMES
    if not bad and (":" in address or address.replace(".", "").isalnum()):
        import ipaddress
        import socket

        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            try:
                # 0x7f.1, 2852039166 and the like: what the resolver would make of them.
                parsed = ipaddress.ip_address(socket.inet_aton(address)) if not ":" in address else None  # type: ignore[assignment]
            except OSError:
                return
        if parsed is None:
            return
        embedded = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None)
        for one in (parsed, embedded):
            if one is not None:
                bad = bad or one.is_link_local or one.is_multicast or one.is_unspecified or str(one) in _METADATA_ADDRESSES
    if bad:
        named = host if host == address else f"{host}, which is {address},"
        raise EndpointError(
            f"endpoint: {named} is a link-local or metadata address; a signed request is never sent there.", field="endpoint"
        )
