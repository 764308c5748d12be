"""Pages: a handler answers with everything, this cuts the page that was asked for.

A token is opaque to the client and holds the operation, a digest of the filter and the place to go on
from. A token of another operation or another filter is refused, as ECS does.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from ecs_connector.harness.local.refusal import invalid

#: Items of one page when the request names no `maxResults`; ECS's API reference states 100 for most
#: lists and these for the others.
_DEFAULT_PAGE = 100
_PAGES = {
    "ListServices": 10,
    "ListServicesByNamespace": 10,
    "ListAccountSettings": 10,
    "DescribeCapacityProviders": 10,
    "ListServiceDeployments": 20,
}
_LARGEST_PAGE = 100


def cut_page(operation: str, items_member: str, body: dict[str, Any], output: dict[str, Any]) -> dict[str, Any]:
    """Return the output with one page of its items, and the token of the next page if there is one."""
    size = _page_size(operation, body)
    digest = _digest(body)
    start = _start(operation, digest, body.get("nextToken"))
    items = output.get(items_member)
    if not isinstance(items, list):
        return output
    page = {**output, items_member: items[start : start + size]}
    page.pop("nextToken", None)
    if start + size < len(items):
        page["nextToken"] = _token(operation, digest, start + size)
    return page


def _page_size(operation: str, body: dict[str, Any]) -> int:
    size = body.get("maxResults")
    if size is None:
        return _PAGES.get(operation, _DEFAULT_PAGE)
    if not 1 <= size <= _LARGEST_PAGE:
        raise invalid(f"maxResults must be between 1 and {_LARGEST_PAGE}.")
    return int(size)


def _digest(body: dict[str, Any]) -> str:
    filters = {key: value for key, value in body.items() if key not in ("nextToken", "maxResults")}
    return hashlib.sha256(json.dumps(filters, sort_keys=True).encode()).hexdigest()[:16]


def _token(operation: str, digest: str, start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([operation, digest, start]).encode()).decode()


def _start(operation: str, digest: str, token: str | None) -> int:
    if token is None:
        return 0
    try:
        of_operation, of_digest, start = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError):
        raise invalid("Invalid token.") from None
    if of_operation != operation or of_digest != digest or not isinstance(start, int):
        raise invalid("Invalid token.")
    return start
