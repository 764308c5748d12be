"""What the ECS service model says, as the endpoint needs it: operations, inputs, pages, error shapes.

Source: the service model that ships with botocore; no count and no name of an operation is written here.
"""

from __future__ import annotations

import functools
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from ecs_connector.harness.local.refusal import Refusal, client, invalid

#: JSON types that a model type accepts. A timestamp is a number in JSON 1.1; ECS takes text too.
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
}


@functools.cache
def ecs_model() -> EcsModel:
    """Return the model; it is read once in a process."""
    return EcsModel(ServiceModel(Loader().load_service_model("ecs", "service-2"), "ecs"))


class EcsModel:
    """The ECS service model behind the questions that the endpoint asks."""

    def __init__(self, service: ServiceModel) -> None:
        self._service = service
        self.operations: tuple[str, ...] = tuple(service.operation_names)
        self._known = frozenset(self.operations)

    def __contains__(self, operation: str) -> bool:
        return operation in self._known

    def input_shape(self, operation: str) -> Any:
        """Return the input structure of an operation."""
        return self._service.operation_model(operation).input_shape

    def output_shape(self, operation: str) -> Any:
        """Return the output structure of an operation."""
        return self._service.operation_model(operation).output_shape

    @functools.cached_property
    def paged(self) -> dict[str, str]:
        """Operation -> output member that holds the items, for every operation with a next token.

        An operation whose items sit deeper (`DescribeGatewayResources`) maps to "".
        """
        pages: dict[str, str] = {}
        for name in self.operations:
            if "nextToken" in self.input_shape(name).members:
                members = self.output_shape(name).members
                lists = [key for key, shape in members.items() if shape.type_name == "list" and key != "failures"]
                pages[name] = lists[0] if lists else ""
        return pages

    def declares_error(self, operation: str, code: str) -> bool:
        """Return whether the model lists an error for an operation."""
        return any(shape.name == code for shape in self._service.operation_model(operation).error_shapes)

    def check_input(self, operation: str, body: dict[str, Any]) -> None:
        """Refuse a body of the wrong types or without its required members, in ECS's words.

        Unknown members and unknown enum values pass, as they do on a service that is newer than the
        client.
        """
        self._check(self.input_shape(operation), body, "")

    def _check(self, shape: Any, value: Any, where: str) -> None:
        accepted = _JSON_TYPES.get(shape.type_name)
        if accepted is None or value is None:
            return
        fits = isinstance(value, accepted) and (bool in accepted or not isinstance(value, bool))
        if not fits:
            at = where or "the body"
            raise Refusal("SerializationException", f"{at}: expected {shape.type_name}, found {type(value).__name__}")
        if shape.type_name == "structure":
            self._check_structure(shape, value, where)
        elif shape.type_name == "list":
            for index, item in enumerate(value):
                self._check(shape.member, item, f"{where}[{index}]")
        elif shape.type_name == "map":
            for key, item in value.items():
                self._check(shape.value, item, f"{where}[{key}]")

    def _check_structure(self, shape: Any, value: dict[str, Any], where: str) -> None:
        if shape.name == "Tag" and not value.get("key"):
            # The model requires nothing of a tag; ECS does.
            raise invalid(f"{where}: a tag must have a key.")
        for name in shape.required_members:
            if value.get(name) is None:
                if where:
                    raise client(f"{where}.{name} should not be null or empty.")
                raise invalid(f"{name} must be specified.")
        for name, item in value.items():
            member = shape.members.get(name)
            if member is not None:
                self._check(member, item, f"{where}.{name}" if where else name)
