"""Tells which addresses a signed request may go to: not those under which clouds hand out identities.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html and its like of
other clouds
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ecs_connector.errors import EndpointError


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine by its name or address alone."""
    return host == "localhost" or host.endswith(".localhost") or host == "::1" or bool(_LOOPBACK.match(host))


_LOOPBACK = re.compile(r"127(?:\.\d{1,3}){3}\Z")
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
            f"endpoint: {named} is a link-local or metadata address; a signed request is never sent there.",
            field="endpoint",
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
