"""Mask secrets in text and in JSON: what is known to be secret, and what looks like it.

A mask is a fingerprint: equal secrets show the same mask, so that two log lines can be compared, and
nothing of the secret is left. The rules for text catch what AWS and container registries put into
their own messages (signed URLs, authorization headers); members of a body are masked by a plan made
from the model. A body that does not have the plan's shape is masked whole where they differ.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

#: A tree over a body: "s" marks a sensitive leaf or subtree, `[plan]` each item, "*" each key of a map.
Plan = Any

#: Shorter strings are masked in their place, but not searched for in text: they occur by chance.
MIN_SEARCHED_CHARS = 4

#: JSON literals; masked in their place, but a text would lose its meaning without them.
_LITERALS = frozenset({"true", "false", "null", "none", "True", "False", "None"})

_DOMAIN = b"ecs-connector redaction v1\x00"
_MASK = re.compile(r"\[redacted:[0-9a-f]{6}\]")

#: Names whose values are secret wherever they occur. Not `nextToken` or `clientToken`: those are none.
_NAME = (
    r"(?:secret[_-]?access[_-]?key|(?:session|security|access|refresh|id|auth|bearer)[_-]?token(?:[_-]?value)?"
    r"|token[_-]?value|password|passwd|passphrase|pwd|api[_-]?key|client[_-]?secret|private[_-]?key)"
)
_SIGNED = r"X-Amz-(?:Signature|Credential|Security-Token)"
_AUTHORIZATION = r"authorization[\"']?\s*[:=]\s*[\"']?"


def fingerprint(secret: str) -> str:
    """Return the mask of a secret: short, stable, and the same for equal secrets."""
    import hashlib

    digest = hashlib.sha256(_DOMAIN + secret.encode("utf-8", "surrogatepass")).hexdigest()
    return f"[redacted:{digest[:6]}]"


def redact_text(text: str) -> str:
    """Return the text with everything masked that looks like a secret.

    Of an access key id the first and the last four characters stay: it is what a person looks up.
    """
    folded = text.lower()
    for hints, pattern, replace in _rules():
        if any(hint in folded for hint in hints):
            text = pattern.sub(replace, text)
    return text


class Redactor:
    """Masks a set of known secrets wherever they occur, in whatever form, and what looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        searched = {text for text in secrets if len(text) >= MIN_SEARCHED_CHARS and text not in _LITERALS}
        self._masks = {form: fingerprint(secret) for secret in searched for form in _forms(secret)}
        # The longest first: a secret that contains another one is masked whole.
        forms = sorted(self._masks, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, forms))) if forms else None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._masks)} forms)"

    def text(self, text: str) -> str:
        """Return the text without any of the secrets, their JSON and URL encodings included."""
        if self._pattern is not None:
            text = self._pattern.sub(lambda match: self._masks[match[0]], text)
        return redact_text(text)

    def value(self, value: Any) -> Any:
        """Return a copy of a JSON value with every string, keys included, masked as `text` does."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): _mask(item) if _is_secret_name(str(key)) else self.value(item)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        return value


def redact_members(body: Any, plan: Plan) -> Any:
    """Return a copy of the body with the members masked that the plan marks."""
    if not plan:
        return body
    if isinstance(plan, Mapping) and isinstance(body, Mapping):
        return {key: redact_members(item, _branch(plan, key)) for key, item in body.items()}
    if isinstance(plan, list) and isinstance(body, (list, tuple)):
        return [redact_members(item, plan[0]) for item in body]
    return _mask(body)


def secrets_in(body: Any, plan: Plan) -> set[str]:
    """Return the strings that stand where the plan marks the body as sensitive."""
    return {text for text in _sensitive_strings(body, plan) if text}


def _sensitive_strings(body: Any, plan: Plan) -> Iterator[str]:
    if not plan:
        return
    if isinstance(plan, Mapping) and isinstance(body, Mapping):
        for key, item in body.items():
            yield from _sensitive_strings(item, _branch(plan, key))
    elif isinstance(plan, list) and isinstance(body, (list, tuple)):
        for item in body:
            yield from _sensitive_strings(item, plan[0])
    else:
        yield from _strings(body)


def _branch(plan: Mapping[str, Plan], key: str) -> Plan:
    """Return the plan of a member; a member in the wrong case is a typo and as secret as the right one."""
    found = plan.get(key)
    if found is None:
        folded = str(key).lower()
        found = next((branch for name, branch in plan.items() if name.lower() == folded), plan.get("*"))
    return found


def _mask(value: Any) -> Any:
    """Return the value with every leaf masked; an empty text and null say nothing and stay."""
    if isinstance(value, Mapping):
        return {key: _mask(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mask(item) for item in value]
    if value is None or value == "" or (isinstance(value, str) and _MASK.fullmatch(value)):
        return value
    return fingerprint(str(value))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _strings(item)


def _forms(secret: str) -> set[str]:
    """Return how a secret may be written: as it is, in JSON, in JSON within JSON, in a URL, in a repr."""
    import json
    from urllib.parse import quote, quote_plus

    forms = {secret, repr(secret)[1:-1]}
    for plain_ascii in (True, False):
        once = json.dumps(secret, ensure_ascii=plain_ascii)[1:-1]
        forms |= {once, once.replace("/", "\\/"), json.dumps(once, ensure_ascii=plain_ascii)[1:-1]}
    for encode in (quote, quote_plus):
        for safe in ("", "/"):
            encoded = encode(secret, safe=safe, errors="surrogatepass")
            forms |= {encoded, re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), encoded)}
    return forms


@cache
def _secret_name() -> re.Pattern[str]:
    return re.compile(_NAME + r"\Z", re.IGNORECASE)


def _is_secret_name(key: str) -> bool:
    return _secret_name().search(key) is not None


def _mask_last(match: re.Match[str]) -> str:
    """Mask the last group of a match, unless that is a mask already: masking twice changes nothing."""
    start, end = match.span(match.lastindex or 0)
    masked = _MASK.match(match.string, start)
    if masked is not None and masked.end() >= end:
        return match[0]
    shown, rest = match.string[match.start() : start], match.string[end : match.end()]
    return f"{shown}{fingerprint(match.string[start:end])}{rest}"


@cache
def _rules() -> tuple[tuple[tuple[str, ...], re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]:
    """Return the rules for text in the order in which they apply: hints, pattern, replacement.

    A rule is tried only on a text that holds one of its hints in lower case: a text of which nothing
    is secret costs a few searches for substrings.
    """
    named = ("key", "token", "pass", "pwd", "secret")
    sources: tuple[tuple[tuple[str, ...], str], ...] = (
        (("private key",), r"(-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END)[\s\S])*(?:-----END [A-Z ]*KEY-----)?)"),
        # Query of a signed URL, also with `&` and `=` escaped as JSON encoders and proxies do.
        (("x-amz-",), _SIGNED + r"(?:=|%3D|[\"']?\s*[:=]\s*[\"']?)([^&\s\"'<>\\,;:]+?)(?=%26|[&\s\"'<>\\,;:]|$)"),
        (("?", "&"), r"[?&](?:sig|signature|verify|token|access_token|awsaccesskeyid)=([^&\s\"'<>\\]+)"),
        (("credential=", "signature="), r"(?<![\w-])(?:Credential|Signature)=([^,&\s\"'\\:]+)"),
        (("authorization",), _AUTHORIZATION + r"(?:Basic|Bearer|Negotiate|Digest|Token)\s+([^\s\"',\\]+)"),
        (("authorization",), _AUTHORIZATION + r"(?!AWS4-)([^\s\"',\\]{16,})"),
        (("basic ", "bearer "), r"\b(?:Basic|Bearer)\s+(?=[\w.~+/=-]*[\d=])([\w.~+/=-]{8,})"),
        # A value in (escaped) quotes after a name; one without quotes, glued to its name; and one after
        # a blank, which has to look like a secret, since sentences go on there too.
        (named, _NAME + r"\\?[\"']?\s*(?:[:=]|=>)\s*\\\"((?:(?!\\\").)+)\\\""),
        (named, _NAME + r"[\"']?\s*(?:[:=]|=>)\s*\"((?:[^\"\\]|\\.)+)\""),
        (named, _NAME + r"[\"']?\s*(?:[:=]|=>)\s*'((?:[^'\\]|\\.)+)'"),
        (named, _NAME + r"(?:=|:|%3D)([^\s\"'&,;<>{}\[\]()\\]{4,})"),
        (named, _NAME + r"\s*[:=]\s+(?=\S*[\d/+=!$%^*#])([^\s\"'&,;<>{}\[\]()\\]{6,})"),
        (("--",), r"--" + _NAME + r"\s+[\"']?([^\s\"',]+)"),
        # Session tokens of STS, web tokens, tokens of code hosts and chats: known by how they begin.
        (("iqoj", "fwog", "fqog"), r"\b((?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz)[\w/+=%-]{20,})"),
        (("eyj",), r"(?<![\w-])(eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*)"),
        (("gh", "glpat", "xox"), r"\b((?:ghp|gho|ghs|ghu|ghr|glpat|github_pat|xox[abprs])[_-][\w-]{16,})"),
        (("://",), r"://(?:\[redacted:[0-9a-f]{6}\]|[^/\s:@\"'<>?#\[]*):([^/\s\"'<>]+)@"),
        (("://",), r"://([^/\s:@\"'<>?#\[\]]{16,})@"),
    )
    key_id = re.compile(r"(?<![A-Z0-9])(A(?:KIA|SIA|BIA|CCA))[A-Z0-9]{8,120}([A-Z0-9]{4})(?![A-Z0-9])")
    return (
        *((hints, re.compile(source, re.IGNORECASE), _mask_last) for hints, source in sources),
        (("akia", "asia", "abia", "acca"), key_id, r"\1***\2"),
    )
