"""Payloads: the published vectors, what is tolerated, what is refused."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from ecs_connector.errors import EnvelopeError, SettingsError
from ecs_connector.sailor.crypto import PayloadCipher
from ecs_connector.sailor.envelope import Codec, from_base64, to_message
from ecs_connector.sailor.jsontext import dumps, loads

# Made by the official runtime's encryptor.
VECTORS = [
    (
        "testCryptoPassword",
        "iv=any16_symbols",
        '{"id":"1","attachments":{},"body":{"message":"ok"},"headers":{"some-header":"headerValue"}}',
        "qFljlHl8s5JxQcU1YaecLzzLSKV+aqqSLUrf094bzAK80JVOEh2aCHV9Tcx9mLr/dgg/w+65D5nBOgbAd50ZWvaVarPK3RTAMY3JMWLQ5ROAxuoLaJS7jkAuQwhXt6H4",
    ),
    (
        "pässwörd ✓ 42",
        "0123456789abcdef",
        (
            '{"id":"c45be600-e770-11e3-b42a-b7522fa9e9d5","attachments":{},"body":{"cluster":"Ünïcöde — 🚀","count":3,'
            '"ratio":0.1,"nothing":null,"tags":[{"key":"k","value":"v"}]},"headers":{},"metadata":{}}'
        ),
        (
            "u6FChWShRQ2Ehnk6OjZ/CndD+6wWNahcx8BD6yS3iQ5nxmdV14mevbx9qg6yrH2mrmEGXpT8fsk4VT/GXzzDJLSpMq6SuOAFD2D/iogE/3AW"
            "XO2JzoxbM2fUKAYjnHFdnRJvti9BIUxI340iKGQhoLi3GLureB6CuPWxTlP1OdwABsUSHahTeS1QNB/otGFRr4FVs8hc8GUUdX2E4tt4IgBy"
            "kL7I4bQ1oGRceHYhBqBqFMNWuEP7lmYVvC9HOUKWQDceiSvIgJ608IQ3uLa6TA=="
        ),
    ),
    ("x", "AAAAAAAAAAAAAAAA", "{}", "riD7USVj+7GGt/oCTSZvkg=="),
]


@pytest.fixture
def codec() -> Codec:
    return Codec(PayloadCipher("testCryptoPassword", "iv=any16_symbols"))


@pytest.mark.parametrize(("password", "iv", "text", "version_1"), VECTORS, ids="ABC")
def test_vectors(password, iv, text, version_1):
    """The published vectors come out byte for byte, in both versions and both directions."""
    found = Codec(PayloadCipher(password, iv))
    value = json.loads(text)
    assert found.encode(value, 1) == version_1.encode()
    assert found.encode(value, 2) == base64.b64decode(version_1)
    assert found.decode(version_1.encode(), 1) == value
    assert found.decode(base64.b64decode(version_1), 2) == value
    assert found.encode(value, 3) == found.encode(value, 2)


@pytest.mark.parametrize("iv", ["x" * 15, "x" * 17, "ü" * 16, ""])
def test_iv_is_16_bytes(iv):
    """Another length, counted in bytes, is refused."""
    with pytest.raises(SettingsError, match="16 bytes"):
        PayloadCipher("p", iv)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000])
def test_round_trip(size):
    """Every length survives, whole blocks included."""
    cipher = PayloadCipher("p", "0" * 16)
    assert cipher.decrypt(cipher.encrypt(b"x" * size)) == b"x" * size


@pytest.mark.parametrize(
    "text", [b"_-8=", b"_-8", b"/+8=", b"/+\r\n8=\n", b" /+8"], ids=["url", "unpadded", "plain", "lines", "spaces"]
)
def test_lenient_base64(text):
    """Base64 is read as Node.js reads it: URL-safe, unpadded, in lines."""
    assert from_base64(text) == b"\xff\xef"


@pytest.mark.parametrize("payload", [b"", b"garbage!", b"{}", base64.b64encode(b"x" * 15), base64.b64encode(b"x" * 16)])
def test_unreadable(payload, codec):
    """What is not encrypted with this key is refused, without quoting it."""
    with pytest.raises(EnvelopeError) as caught:
        codec.decode_message(payload, 1)
    assert "garbage" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["null", "[]", "5", '"x"', "{", "\ufeff{}", '{"a":NaN}', '{"a":Infinity}', '{"headers":[1]}']
)
def test_not_a_message(text):
    """Strict JSON objects are messages; nothing else is."""
    cipher = PayloadCipher("p", "0" * 16)
    with pytest.raises(EnvelopeError):
        Codec(cipher).decode_message(cipher.encrypt(text.encode()), 2)


def test_too_deep(codec):
    """A bomb of brackets is bad input, not a crash."""
    with pytest.raises(EnvelopeError):
        loads(b"[" * 100_000)


def test_headers_are_there(codec):
    """Absent and null headers are an empty object."""
    assert codec.decode_message(codec.encode({"headers": None}, 2), 2)["headers"] == {}


def test_error_input_is_always_base64(codec):
    """The input travels as it came in version 1, and as base64 of it in version 2."""
    wire = {"body": {"n": 1}}
    assert codec.error_input(codec.encode(wire, 1), 1).encode() == codec.encode(wire, 1)
    assert codec.error_input(codec.encode(wire, 2), 2).encode() == codec.encode(wire, 1)


def test_error_handler_input(codec):
    """An error handler is given the decrypted envelope, unknown keys included, and the AMQP headers."""
    envelope = {"error": codec.encode_error({"message": "m"}), "errorInput": codec.encode({"b": 1}, 1).decode(), "x": 1}
    found = codec.decode_error_envelope(json.dumps(envelope).encode(), {"execId": "e"})
    assert found == {"body": {"error": {"message": "m"}, "errorInput": {"b": 1}, "x": 1}, "headers": {"execId": "e"}}


def test_to_message():
    """The AMQP id is the message's identity; keys that the platform does not name travel on."""
    wire = {"id": "inner", "body": {"n": 1}, "headers": {"h": 1}, "method": "GET", "passthrough": {"s": {}}}
    message = to_message(wire, "outer")
    assert (message.id, message.body, message.extra) == ("outer", {"n": 1}, {"method": "GET"})
    assert to_message(wire, None).id == "inner"
    assert message.attachments == {}


def test_json_values():
    """Datetimes are ISO texts in UTC; NaN and unknown types are refused; half a surrogate pair is replaced."""
    assert dumps({"at": datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)}) == b'{"at":"2026-01-02T03:04:05.678Z"}'
    assert dumps("ü🚀") == '"ü🚀"'.encode()
    assert dumps("\ud83d") == '"\ufffd"'.encode()
    with pytest.raises(ValueError):
        dumps(float("nan"))
    with pytest.raises(TypeError):
        dumps(object())
