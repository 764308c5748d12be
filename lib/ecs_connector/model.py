"""The operation table: what differs per operation, as data.

Source: data/operations.json, made by `make generate` from AWS's model.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from ecs_connector.errors import DescriptorError
from ecs_connector.values import EMPTY, Json

_DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


def read_data(name: str) -> Any:
    """Return a JSON file of the package's data folder."""
    with open(os.path.join(_DATA, name), "rb") as file:
        return orjson.loads(file.read())


class Pages(NamedTuple):
    """How a list is continued."""

    #: Member of the input that takes the token.
    token_in: str
    #: Member of the output that gives it.
    token_out: str
    #: Path of members to the list in the output.
    items: tuple[str, ...]
    #: Name of one item.
    item: str
    #: Member of the input that bounds a page; None where there is none.
    limit: str | None


class Token(NamedTuple):
    """How an operation takes a client token."""

    member: str
    #: Longest token in characters.
    length: int


class Split(NamedTuple):
    """How many ids one call takes."""

    member: str
    size: int


class Effect(NamedTuple):
    """How what an operation made is found again. Source: data/waits.json has the lookups."""

    lookup: str
    #: Member of the input that carries our mark when the user leaves it empty; None: it is found by its name.
    mark: str | None


class Fill(NamedTuple):
    """A step field that is the default of a member of the body."""

    field: str
    #: Place in the body: names, and None for a list with one item. The first is the member.
    path: tuple[str | None, ...]
    #: Members of the body that leave no room for it.
    unless: frozenset[str]


class Operation(NamedTuple):
    """One row of the table. A plan is a tree: members as a dict, items as [plan], map values under "*"."""

    name: str
    mutates: bool
    destroys: bool
    #: Whether doing it twice ends where doing it once does; a text: unless that member of the input is true.
    safe: bool | str
    token: Token | None
    effect: Effect | None
    pages: Pages | None
    split: Split | None
    #: Whether a 200 answer may carry `failures`.
    failures: bool
    #: Members of the output that hold what succeeded, when `failures` is true.
    good: tuple[str, ...]
    waits: tuple[str, ...]
    times_in: Any
    times_out: Any
    secrets_in: Any
    secrets_out: Any
    rules: tuple[Mapping[str, Any], ...]
    #: Step fields that mean something here.
    fields: frozenset[str]
    #: Step fields that are defaults of the body, the strongest first.
    fills: tuple[Fill, ...] = ()

    def retry_safe(self, params: Mapping[str, Any]) -> bool:
        """Say whether sending this input again is safe although the first may have taken effect."""
        if isinstance(self.safe, str):
            return not params.get(self.safe)
        return self.safe


class Model:
    """AWS's ECS model as this component knows it."""

    def __init__(self, table: dict[str, Any]) -> None:
        service = table["service"]
        self.api_version: str = service["apiVersion"]
        self.target_prefix: str = service["targetPrefix"]
        self.content_type: str = service["contentType"]
        self.signing_name: str = service["signingName"]
        #: Version of the model that everything was generated from.
        self.version: str = service["model"]
        #: Error code -> "client" or "server".
        self.faults: Mapping[str, str] = table["errors"]
        self._rows: dict[str, Any] = table["operations"]
        self._operations: dict[str, Operation] = {}
        self._waits: Mapping[str, Any] | None = None

    @classmethod
    def load(cls) -> Model:
        """Read the table that ships with the package."""
        return cls(read_data("operations.json"))

    @property
    def waits(self) -> Mapping[str, Any]:
        """Return the tables of waits and lookups, read when first asked for."""
        if self._waits is None:
            self._waits = read_data("waits.json")
        return self._waits

    @property
    def names(self) -> list[str]:
        return list(self._rows)

    def operation(self, name: str) -> Operation:
        """Return the row of an operation.

        Raises:
            DescriptorError: The model has no such operation.
        """
        found = self._operations.get(name)
        if found is None:
            row = self._rows.get(name)
            if row is None:
                raise DescriptorError(f"The ECS model {self.version} has no operation {name!r}.")
            found = self._operations[name] = _operation(name, row)
        return found


def _operation(name: str, row: dict[str, Any]) -> Operation:
    token, pages, split, safe = row.get("token"), row.get("pages"), row.get("split"), row["safe"]
    effect = row.get("effect")
    return Operation(
        name=name,
        mutates=row.get("mutates", False),
        destroys=row.get("destroys", False),
        safe=safe["unless"] if isinstance(safe, dict) else safe,
        token=Token(token["member"], token["length"]) if token else None,
        effect=Effect(effect["lookup"], effect.get("mark")) if effect else None,
        pages=Pages(pages["in"], pages["out"], tuple(pages["items"].split(".")), pages["item"], pages.get("limit"))
        if pages
        else None,
        split=Split(split["member"], split["size"]) if split else None,
        failures=row.get("failures", False),
        good=tuple(row.get("good", ())),
        waits=tuple(row.get("waits", ())),
        times_in=row.get("timesIn"),
        times_out=row.get("timesOut"),
        secrets_in=row.get("secretsIn", EMPTY),
        secrets_out=row.get("secretsOut", EMPTY),
        rules=tuple(row.get("rules", ())),
        fields=frozenset(row["fields"]),
        fills=tuple(
            Fill(fill["field"], place(fill["path"]), frozenset(fill.get("unless", ()))) for fill in row.get("fills", ())
        ),
    )


def place(path: str) -> tuple[str | None, ...]:
    """Return a written place in an input as its steps: `services[].name` -> services, None, name."""
    steps: list[str | None] = []
    for part in path.split("."):
        steps += [part[:-2], None] if part.endswith("[]") else [part]
    return tuple(steps)


def placed(path: Sequence[str | None], value: Json) -> Json:
    """Return a value in the objects and lists that a place consists of."""
    for step in reversed(path):
        value = [value] if step is None else {step: value}
    return value
