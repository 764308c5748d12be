"""Follows a list page by page, and splits a list of ids that one call does not take.

A page is fetched when the one before it has been dealt with. A token that repeats is an error, not a
loop. Where a cap falls inside a page, the token to go on from says how many of its items are done.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ecs_connector.errors import InputError, PagesError, ResponseError, Violation
from ecs_connector.model import Operation, Pages
from ecs_connector.values import Evidence, Output

Call = Callable[[Mapping[str, Any]], Output]
#: Marks a token of ours: AWS's own token, and how many items of its page are done.
_MARK = "ecs-connector-page:"


def items_of(pages: Pages, body: Mapping[str, Any]) -> list[Any]:
    """Return the list inside an output; empty when the output has none."""
    found: Any = body
    for name in pages.items:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, list) else []


def with_items(pages: Pages, body: Mapping[str, Any], items: Sequence[Any]) -> dict[str, Any]:
    """Return a copy of an output with another list inside."""

    def put(value: Any, path: Sequence[str]) -> Any:
        if not path:
            return list(items)
        inner = value if isinstance(value, Mapping) else {}
        return {**inner, path[0]: put(inner.get(path[0]), path[1:])}

    result: dict[str, Any] = put(body, pages.items)
    return result


def pages(operation: Operation, params: Mapping[str, Any], call: Call, *, max_items: int) -> Iterator[Output]:
    """Yield the pages of a list, the last one cut at the cap.

    A page that ends the list has no token; one that the cap ends carries the token to go on from.

    Raises:
        PagesError: ECS gave the same token twice.
        InputError: The token of the input is a damaged one of ours.
    """
    spec = operation.pages
    assert spec is not None  # noqa: S101 - callers look first
    token, done = _open(params.get(spec.token_in), spec)
    rest = {key: value for key, value in params.items() if key != spec.token_in}
    left, seen = max_items, set()
    while True:
        request = rest if token is None else {**rest, spec.token_in: token}
        output = call(request)
        items = items_of(spec, output.body)[done:]
        following = _following(operation, spec, output)
        cut = items[:left]
        left -= len(cut)
        resume = following
        if len(cut) < len(items):
            resume = _seal(token, done + len(cut))
        if left > 0 and following:
            if following == token or following in seen:
                raise PagesError(
                    f"{operation.name}: ECS gave the same {spec.token_out} twice; the list was ended after "
                    f"{max_items - left} items.",
                    operation=operation.name,
                    next_token=following,
                )
            seen.add(following)
            resume = None
        body = {key: value for key, value in output.body.items() if key != spec.token_out}
        if done or len(cut) < len(items):
            body = with_items(spec, body, cut)
        if resume:
            body[spec.token_out] = resume
        yield Output(body, output.evidence)
        if left <= 0 or not following:
            return
        token, done = following, 0


def one_page(operation: Operation, params: Mapping[str, Any], call: Call) -> Output:
    """Return one page as it came; with a token of ours, what is left of the page that it leads into.

    Raises:
        InputError: The token of the input is a damaged one of ours.
    """
    spec = operation.pages
    assert spec is not None  # noqa: S101 - callers look first
    given = params.get(spec.token_in)
    token, done = _open(given, spec)
    if token == given:
        return call(params)
    rest = {key: value for key, value in params.items() if key != spec.token_in}
    output = call(rest if token is None else {**rest, spec.token_in: token})
    return Output(with_items(spec, output.body, items_of(spec, output.body)[done:]), output.evidence)


def _following(operation: Operation, spec: Pages, output: Output) -> str | None:
    """Return the token of the next page."""
    token = output.body.get(spec.token_out)
    if token is None or isinstance(token, str):
        return token
    raise ResponseError(
        f"{operation.name}: the answer's {spec.token_out} is not text, so the list cannot be continued: is the endpoint "
        "an Amazon ECS endpoint?",
        operation=operation.name,
        sent=True,
        attempts=output.evidence.attempts,
        request_id=output.evidence.request_id,
    )


def _seal(token: str | None, done: int) -> str:
    content = json.dumps([token, done], separators=(",", ":")).encode()
    return _MARK + base64.urlsafe_b64encode(content).decode().rstrip("=")


def _open(token: Any, spec: Pages) -> tuple[str | None, int]:
    """Return AWS's token and how many items of its page are done."""
    if not isinstance(token, str) or not token.startswith(_MARK):
        return token, 0
    text = token[len(_MARK) :]
    try:
        content = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        inner, done = content
        if (inner is None or isinstance(inner, str)) and isinstance(done, int) and done >= 0:
            return inner, done
    except ValueError:
        pass
    message = f"{spec.token_in}: this token has been cut or changed; start from the first page"
    raise InputError(message, violations=[Violation(f"/{spec.token_in}", "token", message)])


def merged(pages_spec: Pages, outputs: Sequence[Output]) -> Output:
    """Return all pages as one: lists joined, everything else from the last page, the last page's token."""
    if len(outputs) == 1:
        return outputs[0]
    items = [item for output in outputs for item in items_of(pages_spec, output.body)]
    body = with_items(pages_spec, outputs[-1].body, items)
    failures = [failure for output in outputs for failure in output.body.get("failures") or ()]
    if failures:
        body["failures"] = failures
    return Output(body, _added(outputs))


def _added(outputs: Sequence[Output]) -> Evidence:
    """Return the evidence of several calls: attempts add up, the last request's id stands for all."""
    return Evidence(
        outputs[-1].evidence.request_id,
        sum(output.evidence.attempts for output in outputs),
        tuple(reason for output in outputs for reason in output.evidence.retried),
    )


def split(operation: Operation, params: Mapping[str, Any], call: Call) -> Output:
    """Call with as many ids at a time as ECS takes, and return the answers as one, in the order of the ids."""
    spec = operation.split
    ids = params.get(spec.member) if spec is not None else None
    if spec is None or not isinstance(ids, list) or len(ids) <= spec.size:
        return call(params)
    outputs = [call({**params, spec.member: ids[start : start + spec.size]}) for start in range(0, len(ids), spec.size)]
    body = dict(outputs[-1].body)
    for key in {key: None for output in outputs for key in output.body}:
        parts = [output.body.get(key) for output in outputs]
        if all(part is None or isinstance(part, list) for part in parts):
            joined = [item for part in parts for item in part or ()]
            body[key] = _ordered(joined, ids, spec.member)
    return Output(body, _added(outputs))


def _ordered(items: list[Any], ids: Sequence[Any], member: str) -> list[Any]:
    """Return answers in the order of the ids that were asked for; ECS promises none.

    Matches an id, a name, `cluster/name` or an ARN with the answer's own name or the end of its ARN; answers
    that match nothing stay behind the one they came after.
    """
    places: dict[str, int] = {}
    for index, identifier in enumerate(ids):
        if isinstance(identifier, str):
            places.setdefault(identifier, index)
            places.setdefault(identifier.rpartition("/")[2], index)
    # tasks -> taskArn, taskName; serviceDeploymentArns -> serviceDeploymentArn; an entry of `failures` has `arn`.
    thing = member.removesuffix("Arns").removesuffix("s")
    names = (f"{thing}Arn", f"{thing}Name", "arn", "name")
    ranks: list[tuple[int, int]] = []
    last = -1
    for position, item in enumerate(items):
        last = _place(item, names, places, last)
        ranks.append((last, position))
    return [items[position] for _, position in sorted(ranks)]


def _place(item: Any, names: Sequence[str], places: Mapping[str, int], otherwise: int) -> int:
    said = [item.get(name) for name in names] if isinstance(item, Mapping) else [item]
    for name in said:
        if isinstance(name, str):
            found = places.get(name, places.get(name.rpartition("/")[2]))
            if found is not None:
                return found
    return otherwise
