"""Decides where an operation is sent, and refuses where it must not be sent.

Equal to the rule set of botocore's ECS model for every region, FIPS and dual-stack; the partitions are
data, and botocore is not imported.

Source: botocore data/ecs/2014-11-13/endpoint-rule-set-1.json, data/partitions.json
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
    _check_region(region, "region")
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


def _check_region(region: str, field: str) -> None:
    if not _REGION.match(region):
        raise EndpointError(f"{field}: {region!r} is not a region name; expected one like eu-central-1.", field=field)


def _custom(
    url: str, region: str | None, signing_region: str | None, *, use_fips: bool, use_dual_stack: bool, service: str
) -> Endpoint:
    if use_fips or use_dual_stack:
        name = "useFips" if use_fips else "useDualStack"
        raise EndpointError(f"{name}: cannot be combined with a custom endpoint; leave one out.", field=name)
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
        raise EndpointError("endpoint: the URL has a user name or password in it; use the credential fields.", field="endpoint")
    if parts.scheme not in _PORTS or not _HOST.match(host):
        raise EndpointError(
            f"endpoint: expected https://host[:port][/path], not a URL of scheme {parts.scheme or 'none'!r}.", field="endpoint"
        )
    if parts.query or parts.fragment or _ODD_PATH.search(parts.path):
        raise EndpointError(
            "endpoint: the URL has a query, a fragment or a path with empty or dotted parts; leave them out.", field="endpoint"
        )
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
    _check_region(where, "signingRegion" if signing_region else "region")
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
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?\Z|[0-9a-f:.]+(?:%[a-z0-9._-]+)?\Z")
#: Empty, `.` and `..` segments: whether they count is not agreed on, and the signature covers the path.
_ODD_PATH = re.compile(r"//|/\.\.?(?:/|\Z)")
#: Names under which clouds serve the identity of a machine to whoever asks from it.
_METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"})
#: Such addresses that are not link-local: of AWS (IPv6), Google (IPv6), Alibaba, Azure and Oracle.
_METADATA_ADDRESSES = frozenset(
    {"fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"}
)


def check_address(host: str, address: str) -> None:
    """Refuse a link-local, metadata or otherwise unroutable address.

    Called for the host as it is written, and again for every address that it resolves to.

    Raises:
        EndpointError: A signed request must not be sent there.
    """
    # Every written form of an address has a digit first, or a colon; a name may begin with a digit too.
    if address not in _METADATA_NAMES and ":" not in address and not address[:1].isdigit():
        return
    if address in _METADATA_NAMES or any(map(_refused, _addresses(address))):
        named = host if host == address else f"{host}, which is {address},"
        raise EndpointError(
            f"endpoint: {named} is a link-local or metadata address; a signed request is never sent there.", field="endpoint"
        )


def _refused(address: Any) -> bool:
    reserved = address.version == 4 and address.is_reserved
    local = address.is_link_local or address.is_multicast or address.is_unspecified
    return bool(local or reserved or str(address) in _METADATA_ADDRESSES)


def _addresses(text: str) -> Iterator[Any]:
    """Yield the address that a text is in any form a resolver takes, and the IPv4 address inside an IPv6 one."""
    import ipaddress
    import socket

    try:
        if ":" not in text:
            # Decimal, hexadecimal, octal and shortened forms: 2852039166, 0xa9fea9fe, 0251.0376.43518.
            yield ipaddress.IPv4Address(socket.inet_aton(text))
            return
        found = ipaddress.IPv6Address(text.partition("%")[0])
    except (OSError, ValueError):
        return
    yield found
    packed = found.packed
    # Mapped (::ffff:0:0/96), compatible (::/96), NAT64 (64:ff9b::/96, 64:ff9b:1::/48) and 6to4 (2002::/16).
    if (packed[:12] in _EMBEDDING and not found.is_loopback) or packed.startswith(b"\x00\x64\xff\x9b\x00\x01"):
        yield ipaddress.IPv4Address(packed[12:])
    elif packed.startswith(b"\x20\x02"):
        yield ipaddress.IPv4Address(packed[2:6])


_EMBEDDING = frozenset({bytes(10) + b"\xff\xff", bytes(12), b"\x00\x64\xff\x9b" + bytes(8)})
