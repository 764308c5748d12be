"""Planted secrets never come out, wherever they stand and whatever they are made of."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, quote_plus

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ecs_connector.redact import Redactor, fingerprint, redact_members, redact_text, secrets_in

PLAN = {
    "containerDefinitions": [{"environment": [{"value": "s"}], "command": "s"}],
    "labels": {"*": "s"},
    "token": "s",
}

#: Any character that JSON can carry, surrogates apart: they have no UTF-8.
CHARACTERS = st.characters(exclude_categories=("Cs",))
PARTS = st.text(CHARACTERS, min_size=3, max_size=20) | st.text("aZ9+/=\"\\\n %&'", min_size=3, max_size=20)
#: A Z is in no mask and in none of the words around, and it is a Z in every encoding: a secret that is
#: found was left there, and did not come about by chance.
SECRETS = st.builds("{}Z{}".format, PARTS, PARTS)
#: Texts that no rule takes for a secret: words of letters that are in no key's name.
PLAIN = st.text("ghilmquvxz ", max_size=20)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[dict[str, Any], set[str]]:
    """Return a body with secrets in every sensitive place, and the secrets."""
    found = draw(st.lists(SECRETS, min_size=4, max_size=4))
    body = {
        "family": draw(PLAIN),
        "containerDefinitions": [
            {
                "name": draw(PLAIN),
                "environment": [{"name": "A", "value": found[0]}, {"name": "B", "value": found[1]}],
                "command": ["run", {"deep": found[2]}],
            }
        ],
        "labels": {"team": found[3]},
        "token": found[0],
    }
    return body, set(found)


@given(bodies())
def test_no_planted_secret_is_left_in_a_body(planted: tuple[dict[str, Any], set[str]]) -> None:
    """Masked by the plan, a body holds none of its secrets, in no encoding, and all the rest."""
    body, secrets = planted
    masked = redact_members(body, PLAN)
    assert secrets <= secrets_in(body, PLAN)
    leaves = set(_strings(masked))
    assert not secrets & leaves
    assert not any(json.dumps(secret)[1:-1] in json.dumps(masked) for secret in secrets)
    assert masked["family"] == body["family"]
    assert masked["containerDefinitions"][0]["environment"][0]["name"] == "A"


@given(bodies(), PLAIN)
def test_no_planted_secret_is_left_in_a_text(planted: tuple[dict[str, Any], set[str]], words: str) -> None:
    """Known secrets are found in texts: raw, JSON, JSON within JSON, URL."""
    body, secrets = planted
    redactor = Redactor(secrets_in(body, PLAN))
    for secret in secrets:
        escaped = json.dumps(secret)[1:-1]
        forms = (secret, escaped, json.dumps(escaped)[1:-1], quote(secret, safe=""), quote_plus(secret))
        for form in forms:
            said = redactor.text(f"<{words}<{form}>{words}>")
            assert form not in said
            assert secret not in said
    dumped = redactor.text(json.dumps(body))
    assert not any(json.dumps(secret)[1:-1] in dumped for secret in secrets)


@given(bodies())
def test_no_planted_secret_is_left_in_a_value(planted: tuple[dict[str, Any], set[str]]) -> None:
    """A JSON value that quotes the secrets, as an error report may, comes out without them and is JSON."""
    body, secrets = planted
    redactor = Redactor(secrets)
    report = redactor.value({"message": [f"<{secret}>" for secret in secrets], "input": body})
    assert json.loads(json.dumps(report)) == report
    assert not any(secret in text for secret in secrets for text in _strings(report))


@given(SECRETS, SECRETS)
def test_equal_secrets_have_equal_fingerprints(one: str, other: str) -> None:
    """A fingerprint is a function of the secret, the same in a body, in a text and alone."""
    mask = fingerprint(one)
    assert mask == fingerprint("".join(one))
    assert redact_members({"token": one}, PLAN) == {"token": mask}
    assert Redactor([one]).text(f"<{one}>") == f"<{mask}>"
    assert one not in mask
    # 24 bits: two of some dozens of examples do not meet by chance.
    assert (mask == fingerprint(other)) is (one == other)


@given(SECRETS)
def test_masking_twice_is_masking_once(secret: str) -> None:
    """A text that has been masked is not changed by masking it again."""
    redactor = Redactor([secret])
    for text in (f"<{secret}>", f'{{"password": "{secret}"}}', f"sessionToken={secret}&x=1", f"https://u:{secret}@h/"):
        once = redactor.text(text)
        assert redactor.text(once) == once


@given(
    st.recursive(PLAIN | st.integers() | st.booleans() | st.none(), lambda x: st.lists(x) | st.dictionaries(PLAIN, x))
)
def test_what_is_no_secret_is_not_touched(value: Any) -> None:
    """Values without secrets come out equal."""
    assert Redactor(["S3cret!"]).value(value) == value
    assert redact_members(value, {}) == value
    dumped = json.dumps(value)
    assert redact_text(dumped) == dumped


@given(st.text(CHARACTERS, max_size=60), st.text(CHARACTERS, max_size=60))
@settings(max_examples=200)
def test_any_text_is_masked_without_failing(before: str, after: str) -> None:
    """No text makes masking fail, and a signature in it never survives."""
    signature = "5d672d79c15b13162d9279b0855cfba6789a8edb"
    assume(signature not in before + after)
    assert signature not in redact_text(f"{before}&X-Amz-Signature={signature}&{after}")


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *_strings(item))]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return []
