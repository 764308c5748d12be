"""Answers the live drop-downs of a step: value -> label of what there is to choose from.

What a drop-down asks ECS, which fields it depends on and how a thing becomes an option is a row of
data/select_models.json. A drop-down never fails for being slow or long when it has something to show:
it shows that, and the log says what is missing.

Source: https://docs.elastic.io/developers/select-view
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ecs_connector.config import StepConfig
from ecs_connector.context import Context
from ecs_connector.errors import CallError, ConfigError, DescriptorError, PagesError, TransportError
from ecs_connector.expressions import find
from ecs_connector.model import place, placed, read_data
from ecs_connector.pages import items_of, pages
from ecs_connector.values import Json, Output

#: Time in seconds after which a drop-down shows what it has: the platform's person is waiting for it.
LIMIT_S = 20.0
#: Most options of one drop-down: nobody scrolls further.
MAX_OPTIONS = 1000


def select_model(name: str, config: Mapping[str, Any], context: Context, *, limit_s: float = LIMIT_S) -> dict[str, str]:
    """Return the options of a drop-down, value -> label, in the order in which to show them.

    Args:
        config: Credential fields and step fields, flat: what has been chosen so far.
        limit_s: Time in seconds for all calls together.

    Raises:
        ConfigError: A field that the drop-down depends on is not set, or what it names does not exist.
        CallError: ECS could not be asked at all.
        DescriptorError: There is no such drop-down.
    """
    row = read_data("select_models.json").get(name)
    if row is None:
        raise DescriptorError(f'Method "{name}" is not found in "{context.identity}" action or trigger')
    listing = _Listing(row["title"], config, context, limit_s)
    things = listing.things(row["from"])
    seen = listing.described(row["describe"], things) if "describe" in row else {}
    options = {}
    for thing in things:
        value = _tail(find(row["value"], thing) if isinstance(thing, Mapping) else thing)
        options[value] = _label(row["label"], seen.get(thing, thing) if isinstance(thing, str) else thing, value)
    if not row["sorted"]:
        return options
    return dict(sorted(options.items(), key=lambda option: (option[1].casefold(), option[0])))


class _Listing:
    """The calls behind one drop-down, which share its time."""

    def __init__(self, title: str, config: Mapping[str, Any], context: Context, limit_s: float) -> None:
        clients = context.clients
        self._title = title
        self._context = context
        self._limit_s = limit_s
        self._ends = context.clock.monotonic() + limit_s
        # Not for an operation: a wait that the step's own offers means nothing to those that are called here.
        self._config = clients.fields.parse(config)
        self._client = clients.client(self._config)

    def things(self, sources: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Return what there is, by the first source that everything is chosen for."""
        source = next((one for one in sources if self._missing(one) is None), None)
        if source is None:
            missing = self._missing(sources[0])
            raise ConfigError(
                f"The list of {self._title} depends on the field {missing}, which is not set: choose a value there first.",
                field=missing,
            )
        things: list[Any] = []
        try:
            for items in self._items(source):
                things += items
        except (CallError, PagesError) as error:
            if not things:
                self._raise_if_late(error)
                raise
            self._warn(f"only the first {len(things)} are shown", error.user_message)
        return things

    def described(self, spec: Mapping[str, Any], ids: Sequence[str]) -> dict[str, Any]:
        """Return what ECS says of each id; what it could not say in time is left out."""
        operation = self._context.clients.model.operation(spec["operation"])
        size = operation.split.size if operation.split is not None else len(ids)
        found: dict[str, Any] = {}
        try:
            for start in range(0, len(ids), size or 1):
                request = {**self._chosen(spec), spec["ids"]: list(ids[start : start + size])}
                body = self._call(spec["operation"], request).body
                found.update((one.get(spec["id"]), one) for one in body.get(operation.good[0]) or ())
        except CallError as error:
            self._warn(f"only {len(found)} of {len(ids)} have a full label", error.user_message)
        return found

    def _items(self, source: Mapping[str, Any]) -> Iterator[list[Any]]:
        """Yield the things page by page."""
        operation = self._context.clients.model.operation(source["operation"])
        request = {**source["input"], **self._chosen(source)}
        if operation.pages is None:
            body = self._call(operation.name, request).body
            items = find(source["items"], body) or []
            if not items and body.get("failures"):
                self._refuse(source, body["failures"])
            yield items[:MAX_OPTIONS]
            return
        found = pages(operation, request, lambda params: self._call(operation.name, params), max_items=MAX_OPTIONS)
        for output in found:
            yield items_of(operation.pages, output.body)
            if output.body.get(operation.pages.token_out):
                self._warn(f"only the first {MAX_OPTIONS} are shown", "there are more")

    def _call(self, name: str, request: Mapping[str, Any]) -> Output:
        """Call within the time that is left."""
        left_s = self._ends - self._context.clock.monotonic()
        if left_s <= 0:
            raise TransportError("the time is over", operation=name, sent=False, attempts=0, retryable=True)
        limit_s = min(left_s, self._config.totalTimeoutSeconds)
        config: StepConfig = self._config.changed(totalTimeoutSeconds=limit_s)
        return self._client.call(self._context.clients.model.operation(name), request, config)

    def _chosen(self, spec: Mapping[str, Any]) -> dict[str, Json]:
        """Return the part of an input that the fields of the step say."""
        chosen: dict[str, Json] = {}
        for field, path in spec["needs"].items():
            chosen.update(placed(place(path), getattr(self._config, field)))
        return chosen

    def _missing(self, source: Mapping[str, Any]) -> str | None:
        return next((field for field in source["needs"] if not getattr(self._config, field)), None)

    def _raise_if_late(self, error: CallError | PagesError) -> None:
        """Raise that the time is over when it is, and there is nothing to show."""
        if isinstance(error, CallError) and self._context.clock.monotonic() >= self._ends:
            raise TransportError(
                f"The list of {self._title} did not come within {self._limit_s:g} s. Try again, or write the value into the "
                f"message's body. {error.user_message}",
                operation=error.operation,
                sent=getattr(error, "sent", True),
                attempts=error.attempts,
                retryable=True,
            ) from error

    def _refuse(self, source: Mapping[str, Any], failures: Sequence[Mapping[str, Any]]) -> None:
        """Raise that what a list depends on does not exist."""
        field = [*source["needs"]][-1]
        reason = failures[0].get("reason") or "no reason given"
        raise ConfigError(
            f"The list of {self._title} depends on the field {field}, and ECS says of {getattr(self._config, field)}: {reason}. "
            "Choose another value there.",
            field=field,
        )

    def _warn(self, what: str, why: str) -> None:
        self._context.logger.warning("The list of %s: %s: %s", self._title, what, why)


def _tail(name: Any) -> str:
    """Return what stands for an ARN where its account and region are known."""
    return str(name).rpartition("/")[2]


def _label(trees: Sequence[Any], thing: Any, value: str) -> str:
    """Return the parts of a label that there are: the first, and the others in brackets behind it."""
    found = (find(tree, thing) for tree in trees) if isinstance(thing, Mapping) else ()
    first, *others = dict.fromkeys(_tail(part) for part in found if part) or [value]
    return f"{first} ({', '.join(others)})" if others else first
