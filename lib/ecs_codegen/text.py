"""Turns the model's HTML documentation and member names into plain text for a form."""

from __future__ import annotations

import re
from html.parser import HTMLParser

#: Words of a member name that are not written as a sentence's words.
_WORDS = {
    "arn": "ARN", "arns": "ARNs", "id": "ID", "ids": "IDs", "cpu": "CPU", "gpu": "GPU", "url": "URL", "uri": "URI",
    "dns": "DNS", "efs": "EFS", "ebs": "EBS", "fsx": "FSx", "iam": "IAM", "kms": "KMS", "alb": "ALB", "elb": "ELB",
    "ec2": "EC2", "ecs": "ECS", "s3": "S3", "tls": "TLS", "ssl": "SSL", "ip": "IP", "ipc": "IPC", "pid": "PID",
    "iops": "IOPS", "lb": "LB", "ttl": "TTL", "vpc": "VPC", "aws": "AWS", "awsvpc": "awsvpc", "mps": "MPS",
}  # fmt: skip
_ABBREVIATIONS = re.compile(r"(?:e\.g|i\.e|etc|vs|approx|Inc|no)\.$", re.IGNORECASE)


class _Plain(HTMLParser):
    """Collects text; a block element ends a sentence, a note is kept apart."""

    _BLOCKS = frozenset({"p", "li", "ul", "ol", "dl", "dt", "dd", "note", "important", "br", "fullname", "h1", "h2"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._note = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("note", "important"):
            self._note += 1
        if tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("note", "important"):
            self._note = max(0, self._note - 1)
        if tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._note:
            self.parts.append(re.sub(r"\s+", " ", data))


def plain(html: str) -> str:
    """Return the documentation without tags and without its notes, a paragraph a line."""
    parser = _Plain()
    parser.feed(html)
    parser.close()
    lines = (re.sub(r"\s+", " ", line).strip() for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)


def first_sentence(html: str) -> str:
    """Return the first sentence of the documentation as plain text, or "" when there is none."""
    paragraph = plain(html).split("\n", 1)[0].strip()
    start = 0
    while match := re.compile(r"[.!?](?=\s+[A-Z0-9`\"']|$)").search(paragraph, start):
        sentence = paragraph[: match.end()]
        if not _ABBREVIATIONS.search(sentence):
            return sentence
        start = match.end()
    return paragraph


def words(name: str) -> list[str]:
    """Split a member or operation name into its words: `efsVolumeConfiguration` -> efs, Volume, Configuration."""
    name = re.sub(r"([A-Za-z0-9])(GiB|MiB)", r"\1 \2", name)
    return re.findall(r"GiB|MiB|EC2|S3|[A-Z]+(?=[A-Z][a-z]|s?$|[^A-Za-z])s?|[A-Z]?[a-z0-9]+|[A-Z]+", name)


def title(name: str) -> str:
    """Return a readable title: `capacityProviderStrategy` -> `Capacity provider strategy`."""
    if "." in name:
        return name
    readable = [_WORDS.get(word.lower(), word if word in ("GiB", "MiB") else word.lower()) for word in words(name)]
    text = " ".join(readable)
    return text[:1].upper() + text[1:]


def snake(name: str) -> str:
    """Return the module name of an operation: `RunTask` -> `run_task`."""
    return "_".join(word.lower() for word in words(name))
