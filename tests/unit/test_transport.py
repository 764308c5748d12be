"""Connections are reused, certificates are checked, and hooks and proxies see the calls."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import responses

from ecs_connector import Component
from ecs_connector.adapter import AdapterTransport
from ecs_connector.connection import ExchangeFailed
from ecs_connector.endpoint import Partitions, resolve
from ecs_connector.errors import TransportError
from ecs_connector.transport import Pool, SwitchingTransport, Transport
from ecs_connector.values import HttpRequest, HttpResponse
from support.certificates import self_signed
from support.ecs_stub import EcsStub
from support.raw_server import OK, answering, raw_server, read_request
from support.scripted import CONFIG

PARTITIONS = Partitions.load()


def send(transport: Transport, url: str | None) -> HttpResponse:
    endpoint = resolve("eu-west-1", partitions=PARTITIONS, endpoint=url)
    request = HttpRequest("POST", endpoint, "/?Action=A", {"host": endpoint.authority, "x-amz-target": "T.A"}, b"{}")
    return transport.send(request, connect_timeout_s=5, read_timeout_s=5)


class _Both(AdapterTransport):
    """The adapter with a pool of its own."""

    def __init__(self) -> None:
        self._own = Pool()
        super().__init__(self._own, proxied=False)

    def close(self) -> None:
        super().close()
        self._own.close()


def transports() -> list[Transport]:
    return [Pool(), _Both()]


@pytest.mark.parametrize("number", [0, 1], ids=["direct", "adapter"])
def test_one_connection_serves_many_calls(number: int) -> None:
    """Calls one after the other share a connection, on either way."""
    transport = transports()[number]
    with raw_server(answering(OK, close_after=False)) as server:
        assert {send(transport, server.url).body for _ in range(20)} == {b"{}"}
        assert server.connections == 1
        transport.close()


@pytest.mark.parametrize("number", [0, 1], ids=["direct", "adapter"])
def test_as_many_connections_as_threads(number: int) -> None:
    """100 calls by 8 threads use at most 8 connections."""
    transport = transports()[number]
    with raw_server(answering(OK, close_after=False)) as server:
        done: list[bytes] = []

        def work() -> None:
            for _ in range(100 // 8 + 1):
                done.append(send(transport, server.url).body)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(done) == 104
        assert server.connections <= 8
        transport.close()


def test_idle_connections_are_bounded() -> None:
    """No more connections stay idle than the pool may keep."""
    with raw_server(answering(OK, close_after=False)) as server:
        pool = Pool(max_idle=2)
        gate = threading.Barrier(6)

        def work() -> None:
            gate.wait(5)
            send(pool, server.url)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(map(len, pool._idle.values())) <= 2
        pool.close()
        assert not any(pool._idle.values())


# -- TLS ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1], ids=["direct", "adapter"])
def test_unknown_certificate_is_refused(tmp_path: Path, number: int) -> None:
    """A certificate that nobody vouches for ends the call before anything is sent."""
    context, _ = self_signed(tmp_path, "localhost")
    seen: list[bytes] = []
    with raw_server(lambda connection, _: seen.append(read_request(connection)), context=context) as server:
        with pytest.raises(ExchangeFailed, match="certificate of localhost is not accepted") as caught:
            send(transports()[number], f"https://localhost:{server.port}")
        assert (caught.value.kind, caught.value.sent) == ("tls", False)
    assert seen == []


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_own_certificates_are_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """A CA bundle that the environment names is trusted, and the connection is reused."""
    context, bundle = self_signed(tmp_path, "localhost")
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(bundle))
    with raw_server(answering(OK, close_after=False), context=context) as server:
        pool = Pool()
        for _ in range(3):
            assert send(pool, f"https://localhost:{server.port}").status == 200
        assert server.connections == 1
        pool.close()


@pytest.mark.parametrize(("host", "expired"), [("other.example", False), ("localhost", True)])
def test_wrong_certificates_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, expired: bool
) -> None:  # noqa: FBT001 - a table
    """A trusted certificate of another host, or one that has expired, is refused."""
    context, bundle = self_signed(tmp_path, host, expired=expired)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    with raw_server(answering(OK), context=context) as server, pytest.raises(ExchangeFailed) as caught:
        send(Pool(), f"https://localhost:{server.port}")
    assert caught.value.kind == "tls"


def test_server_without_tls_is_explained() -> None:
    """An https URL of a plain server is a TLS failure."""
    with (
        raw_server(lambda one, _: one.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")) as server,
        pytest.raises(ExchangeFailed) as caught,
    ):
        send(Pool(), f"https://localhost:{server.port}")
    assert caught.value.sent is False


# -- hooks ----------------------------------------------------------------------------------------------


def test_responses_intercepts_calls() -> None:
    """`responses` sees the call and its signature, and its answer is the output."""
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mocked, Component.load() as component:
        url = "https://ecs.eu-central-1.amazonaws.com/?Action=ListClusters&Version=2014-11-13"
        mocked.post(url, json={"clusterArns": ["arn:x"]}, headers={"x-amzn-RequestId": "mocked"})
        (emission,) = component.run("ListClusters", body={}, config=CONFIG)
        sent = mocked.calls[0].request
    assert emission.body == {"clusterArns": ["arn:x"]}
    assert emission.headers["requestId"] == "mocked"
    assert sent.headers["X-Amz-Target"].endswith(".ListClusters")
    assert "Signature=" in sent.headers["authorization"]


def test_failures_of_hooks_are_transport_errors() -> None:
    """A connection error that a hook raises is a transport error."""
    import requests

    with responses.RequestsMock() as mocked, Component.load() as component:
        mocked.post("https://ecs.eu-central-1.amazonaws.com/", body=requests.exceptions.ReadTimeout("slow"))
        with pytest.raises(TransportError) as caught:
            list(component.run("ListClusters", body={}, config={**CONFIG, "maxAttempts": 1}))
    assert caught.value.sent


def test_header_names_are_as_the_documents_write_them() -> None:
    """Who matches header names with their case finds X-Amz-Target and the others, on either way."""
    wanted = {"Host", "X-Amz-Target", "Content-Length"}
    heads: list[str] = []

    def talk(connection: socket.socket, _: int) -> None:
        heads.append(read_request(connection).decode().partition("\r\n\r\n")[0])
        connection.sendall(OK)

    with raw_server(talk) as server:
        for transport in transports():
            send(transport, server.url)
            transport.close()
    for head in heads:
        assert {line.partition(":")[0] for line in head.split("\r\n")[1:]} == wanted
    assert len(heads) == 2
    with responses.RequestsMock() as mocked, Component.load() as component:
        named = {
            "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.ListClusters",
            "Content-Type": "application/x-amz-json-1.1",
        }
        match = [responses.matchers.header_matcher(named)]
        mocked.post("https://ecs.eu-central-1.amazonaws.com/", json={}, match=match)
        assert len(list(component.run("ListClusters", body={}, config=CONFIG))) == 1


@pytest.mark.parametrize(
    "raised, sent",
    [
        (ConnectionResetError("reset"), True),
        (TimeoutError("slow"), True),
        (ConnectionRefusedError("refused"), False),
        (socket.gaierror(-2, "unknown"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_failures_below_requests_are_transport_errors(raised: Exception, sent: bool) -> None:  # noqa: FBT001 - a table
    """What a hook raises from below requests is a transport error that knows whether something was sent."""
    with responses.RequestsMock() as mocked, Component.load() as component:
        mocked.post("https://ecs.eu-central-1.amazonaws.com/", body=raised)
        with pytest.raises(TransportError) as caught:
            list(component.run("ListClusters", body={}, config={**CONFIG, "maxAttempts": 1}))
    assert caught.value.sent is sent


def test_moto_intercepts_calls() -> None:
    """Moto in this process answers the calls, as it does boto3's."""
    from moto import mock_aws

    with mock_aws(), Component.load() as component:
        list(component.run("CreateCluster", body={"clusterName": "blue"}, config=CONFIG))
        (emission,) = component.run("ListClusters", body={}, config=CONFIG)
    assert [arn.rpartition("/")[2] for arn in emission.body["clusterArns"]] == ["blue"]


# -- proxies --------------------------------------------------------------------------------------------


def test_https_goes_through_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With HTTPS_PROXY the call is tunnelled: the proxy sees host and port, never the request."""
    host = "ecs.eu-west-1.amazonaws.com"
    context, bundle = self_signed(tmp_path, host)
    heads: list[bytes] = []
    inside: list[bytes] = []

    def talk(connection: socket.socket, number: int) -> None:
        heads.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with context.wrap_socket(connection, server_side=True) as wrapped:
            while data := read_request(wrapped):
                inside.append(data)
                wrapped.sendall(OK)

    with raw_server(talk) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:pass@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
        transport = SwitchingTransport()
        assert [send(transport, None).body for _ in range(2)] == [b"{}", b"{}"]
        transport.close()
    assert heads[0].startswith(f"CONNECT {host}:443".encode())
    assert b"Proxy-Authorization: Basic" in heads[0]
    assert b"x-amz-target" not in heads[0].lower()
    assert len(inside) == 2
    assert b"proxy-authorization" not in inside[0].lower()


def test_proxy_that_cannot_be_used_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that does not answer is a connect failure whose text has no password."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:hidden-pass@127.0.0.1:{port}")
    with pytest.raises(ExchangeFailed, match="proxy") as caught:
        send(SwitchingTransport(), None)
    assert (caught.value.kind, caught.value.sent) == ("connect", False)
    assert "hidden-pass" not in str(caught.value)


@pytest.mark.parametrize("no_proxy", ["", "127.0.0.1,localhost"])
def test_this_machine_is_never_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch, no_proxy: str) -> None:
    """A stand-in on the loopback is reached directly whatever proxy the environment names."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    with raw_server(answering(OK, close_after=False)) as server:
        transport = SwitchingTransport()
        assert send(transport, server.url).status == 200
        transport.close()


def test_direct_call_loads_no_http_library(ecs_stub: EcsStub) -> None:
    """A call with static keys and no proxy loads neither requests nor urllib3 nor botocore."""
    script = (
        "import json, sys; from ecs_connector import Component\n"
        f"list(Component.load().run('ListClusters', body={{}}, config={ecs_stub.config()!r}))\n"
        "print(json.dumps([name for name in ('requests', 'urllib3', 'botocore', 'http.client', 'ssl') if name in sys.modules]))"
    )
    ecs_stub.play({"clusterArns": []})
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=20)
    assert json.loads(done.stdout) == []
