"""Where a signed request may go, and where it must not."""

from __future__ import annotations

import socket

import pytest

from ecs_connector.address import check_address
from ecs_connector.connection import open_connection
from ecs_connector.endpoint import Partitions, resolve
from ecs_connector.errors import EndpointError

PARTITIONS = Partitions.load()


def custom(url: str, region: str | None = "eu-west-1", signing_region: str | None = None):  # type: ignore[no-untyped-def]
    return resolve(region, partitions=PARTITIONS, endpoint=url, signing_region=signing_region)


@pytest.mark.parametrize(
    ("url", "authority", "port", "path"),
    [
        ("https://ecs.example.org", "ecs.example.org", 443, "/"),
        ("https://ecs.example.org:8443/prefix", "ecs.example.org:8443", 8443, "/prefix/"),
        ("https://vpce-1-x.ecs.eu-west-1.vpce.amazonaws.com/", "vpce-1-x.ecs.eu-west-1.vpce.amazonaws.com", 443, "/"),
        ("https://10.1.2.3", "10.1.2.3", 443, "/"),
        ("https://[2001:db8::1]:444", "[2001:db8::1]:444", 444, "/"),
        ("http://127.0.0.1:4566", "127.0.0.1:4566", 4566, "/"),
        ("http://localhost", "localhost", 80, "/"),
        ("http://ecs.localhost:80", "ecs.localhost", 80, "/"),
        ("http://[::1]:8080", "[::1]:8080", 8080, "/"),
        ("HTTPS://Ecs.Example.Org.", "ecs.example.org", 443, "/"),
    ],
)
def test_custom_endpoints(url: str, authority: str, port: int, path: str) -> None:
    """A custom endpoint is taken as it is written, the port only shown where it is not the scheme's own."""
    found = custom(url)
    assert (found.authority, found.port, found.path) == (authority, port, path)
    assert (found.region, found.signing_region) == ("eu-west-1", "eu-west-1")


def test_custom_endpoint_signs_for_its_own_region() -> None:
    """A custom endpoint may check signatures for another region, and needs one of the two."""
    found = custom("https://ecs.example.org", "eu-west-1", "us-east-1")
    assert (found.region, found.signing_region) == ("eu-west-1", "us-east-1")
    assert custom("https://ecs.example.org", None, "us-east-1").region == "us-east-1"
    with pytest.raises(EndpointError, match="signingRegion"):
        custom("https://ecs.example.org", None)


HOSTILE = [
    # Not an https URL of a host.
    "http://ecs.example.org", "http://10.0.0.1", "http://192.168.1.1:80", "http://127.1", "http://0x7f.1", "http://2130706433",
    "http://[::ffff:127.0.0.1]", "http://localhost.example.org", "http://127.0.0.1.example.org", "ftp://ecs.example.org",
    "file:///etc/passwd", "javascript:alert(1)", "ecs.example.org", "//ecs.example.org", "https://", "https:///x", "https:x",
    "unix:/var/run/docker.sock", "https://-x.example.org", "https://*.example.org",
    # Users, ports, queries, odd characters and paths.
    "https://user@ecs.example.org", "https://user:pass@ecs.example.org", "https://@ecs.example.org",
    "https://ecs.amazonaws.com@169.254.169.254", "https://ecs.example.org:0", "https://ecs.example.org:65536",
    "https://ecs.example.org:port", "https://[::1", "https://ecs.example.org?x=1", "https://ecs.example.org/#x",
    "https://ecs.example.org/a/../b", "https://ecs.example.org//x", "https://ecs.example.org/.",
    "https://ecs.example.org\r\nHost: evil", "https://ecs.example.org\x00", "https://ecs.exa mple.org", "https://ecs\t.example.org",
    "https://ecs.example.org\\@evil", "https://ecs.example.org/<x>", "https://\u24d4cs.example.org", "https://ecs.example.org/\u00e9",
    # Link-local and metadata addresses in every form.
    "https://169.254.169.254", "https://169.254.170.2", "https://169.254.170.23", "https://169.254.169.254.",
    "https://2852039166", "https://0xa9fea9fe", "https://0xA9.0xFE.0xA9.0xFE", "https://0251.0376.0251.0376",
    "https://169.254.43518", "https://169.16689662", "https://[::ffff:169.254.169.254]", "https://[::ffff:a9fe:a9fe]",
    "https://[::169.254.169.254]", "https://[64:ff9b::169.254.169.254]", "https://[64:ff9b:1::a9fe:a9fe]",
    "https://[2002:a9fe:a9fe::]", "https://[fe80::1]", "https://[fe80::1%25eth0]", "https://[fd00:ec2::254]",
    "https://[fd00:ec2:0:0:0:0:0:23]", "https://[fd20:ce::254]", "https://100.100.100.200", "https://168.63.129.16",
    "https://192.0.0.192", "https://metadata.google.internal", "https://METADATA.google.internal.", "https://metadata",
    "https://instance-data", "https://0.0.0.0", "https://0", "https://[::]", "https://224.0.0.1", "https://[ff02::1]",
    "https://255.255.255.255", "https://240.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_urls_are_refused(url: str) -> None:
    """A URL that a signed request must not go to is refused when the configuration is read."""
    with pytest.raises(EndpointError) as caught:
        custom(url)
    assert caught.value.field == "endpoint"
    assert "pass" not in str(caught.value).replace("password", "")


ANSWERS = ["169.254.169.254", "169.254.170.2", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
           "fd00:ec2::254", "100.100.100.200", "0.0.0.0", "::", "224.0.0.1", "240.0.0.1"]  # fmt: skip


@pytest.mark.parametrize("address", ANSWERS)
def test_names_that_lead_to_hostile_addresses_are_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """A harmless name that resolves to such an address, even beside a good one, is refused before any connection."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    good = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("198.51.100.7", 443))
    bad = (family, socket.SOCK_STREAM, 6, "", (address, 443, 0, 0) if ":" in address else (address, 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [good, bad])
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("a connection was opened"))
    with pytest.raises(EndpointError, match="ecs.example.org, which is"):
        open_connection(custom("https://ecs.example.org"), connect_timeout_s=1, tls=lambda: None)


def test_http_name_that_leads_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` that resolves to another machine gets no request in the clear."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, 1, 6, "", ("198.51.100.7", 80))])
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("a connection was opened"))
    with pytest.raises(EndpointError, match="use https"):
        open_connection(custom("http://ecs.localhost"), connect_timeout_s=1, tls=lambda: None)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.0.0.1", "198.51.100.7", "2001:db8::1", "::ffff:10.0.0.1", "1and1.example"]
)
def test_good_addresses_pass(address: str) -> None:
    """Loopback, private and public addresses are no metadata addresses."""
    check_address("ecs.example.org", address)


@pytest.mark.parametrize(
    "region", ["", "no region", "eu_west_1", "-eu", "eu-", "../x", "a.b", "x" * 64, "eu-west-1\n", "a@b", "\u00e9u-1"]
)
def test_damaged_regions_are_refused(region: str) -> None:
    """A region that cannot be one is refused by name, with and without a custom endpoint."""
    for endpoint in (None, "https://ecs.example.org"):
        with pytest.raises(EndpointError) as caught:
            resolve(region, partitions=PARTITIONS, endpoint=endpoint)
        assert caught.value.field == "region"
