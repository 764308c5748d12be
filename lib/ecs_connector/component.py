"""A component: the folder that holds a component.json, and what it can run.

Source: https://docs.elastic.io/developers/component-json-technical-reference
"""

from __future__ import annotations

import importlib.util
import logging
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType, TracebackType
from typing import Any, NamedTuple, Self

import orjson

from ecs_connector.client import Clients
from ecs_connector.clock import Clock, SystemClock
from ecs_connector.context import Context, Logger
from ecs_connector.errors import DescriptorError
from ecs_connector.executor import execute
from ecs_connector.values import EMPTY, Emission, Json, Message, Process

DESCRIPTOR = "component.json"
_HERE = os.path.dirname(os.path.abspath(__file__))
#: Where this installation's own component.json may lie: in the package (a wheel), or beside `lib/` (a checkout).
_OWN_ROOTS = (_HERE, os.path.dirname(os.path.dirname(_HERE)))


class Action(NamedTuple):
    """An entry of component.json's `actions` or `triggers`."""

    id: str
    entry: Mapping[str, Any]
    #: Folder that `main` and the schema paths are relative to.
    root: str
    is_trigger: bool = False

    def path(self, relative: str) -> str:
        """Return the absolute path of a file that the entry names."""
        return os.path.normpath(os.path.join(self.root, relative))


class Component:
    """A component.json and the modules it names. Owns the clients that its actions share."""

    def __init__(self, root: str, descriptor: dict[str, Any], *, clock: Clock | None = None) -> None:
        self.root = root
        self.descriptor = descriptor
        self.clock: Clock = clock if clock is not None else SystemClock()
        self.random: Callable[[], float] = random.random
        self.clients = Clients(clock=self.clock, random=lambda: self.random(), version=self.version)
        self._modules: dict[str, ModuleType] = {}

    @classmethod
    def load(cls, folder: str | os.PathLike[str] | None = None, *, clock: Clock | None = None) -> Self:
        """Read the component.json of a folder, by default the one that ships with this installation.

        Raises:
            DescriptorError: There is none, or it is not a component descriptor.
        """
        roots = _OWN_ROOTS if folder is None else (os.path.abspath(os.fspath(folder)),)
        root = next((root for root in roots if os.path.isfile(os.path.join(root, DESCRIPTOR))), None)
        if root is None:
            raise DescriptorError(f"There is no {DESCRIPTOR} in {' or '.join(roots)}.")
        path = os.path.join(root, DESCRIPTOR)
        try:
            with open(path, "rb") as file:
                descriptor = orjson.loads(file.read())
        except (OSError, ValueError) as error:
            raise DescriptorError(f"{path} cannot be read: {error}") from error
        if not isinstance(descriptor, dict) or not (descriptor.get("actions") or descriptor.get("triggers")):
            raise DescriptorError(f"{path} declares no actions and no triggers.")
        for key in ("triggers", "actions"):
            declared = descriptor.get(key, {})
            if not isinstance(declared, dict) or not all(isinstance(entry, dict) for entry in declared.values()):
                raise DescriptorError(f"{path}: `{key}` is not an object of objects.")
        return cls(root, descriptor, clock=clock)

    @property
    def version(self) -> str:
        return str(self.descriptor.get("version", "0.0.0"))

    @property
    def functions(self) -> list[str]:
        """Ids of all triggers and actions."""
        return [*self.descriptor.get("triggers", {}), *self.descriptor.get("actions", {})]

    def action(self, function: str) -> Action:
        """Return an action or trigger by id; a trigger wins where both have it, as on the platform.

        Raises:
            DescriptorError: There is no such function; the text names the nearest ones.
        """
        for key in ("triggers", "actions"):
            entry = self.descriptor.get(key, {}).get(function)
            if entry is not None:
                return Action(function, entry, self.root, is_trigger=key == "triggers")
        from difflib import get_close_matches

        lowered = {known.lower(): known for known in self.functions}
        near = [lowered[name] for name in get_close_matches(str(function).lower(), lowered, n=3)]
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise DescriptorError(f"This component has no action {function!r}.{hint}", field="function")

    def module(self, function: str) -> ModuleType:
        """Return the module of an action, loaded once.

        Raises:
            DescriptorError: The entry names no module, or the module cannot be loaded.
        """
        loaded = self._modules.get(function)
        if loaded is None:
            loaded = self._modules[function] = self._load(self.action(function))
        return loaded

    def _load(self, action: Action) -> ModuleType:
        main = action.entry.get("main")
        if not isinstance(main, str):
            raise DescriptorError(f"The entry {action.id!r} of {DESCRIPTOR} names no `main`.")
        path = action.path(main if main.endswith(".py") else main + ".py")
        stem = os.path.splitext(os.path.basename(path))[0]
        name = f"ecs_connector.actions.{stem}" if self.root in _OWN_ROOTS else f"_component_{abs(hash(path))}_{stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise DescriptorError(f"{path} is not a Python module.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # any failure of a foreign module is the descriptor's
            del sys.modules[name]
            raise DescriptorError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
        return module

    def process(self, function: str) -> Process:
        """Return the `process` of an action.

        Raises:
            DescriptorError: The module has none.
        """
        process = getattr(self.module(function), "process", None)
        if not callable(process):
            raise DescriptorError(f"The module of {function!r} has no function `process`.")
        found: Process = process
        return found

    def context(self, *, logger: Logger | None = None, **surroundings: Any) -> Context:
        """Return the surroundings in which an action of this component runs."""
        return Context(
            clients=self.clients,
            clock=self.clock,
            random=lambda: self.random(),
            logger=logger if logger is not None else logging.getLogger("ecs_connector"),
            **surroundings,
        )

    def run(
        self,
        function: str,
        *,
        body: Json,
        config: Mapping[str, Any],
        snapshot: Mapping[str, Any] | None = None,
        message_id: str | None = None,
    ) -> Iterator[Emission]:
        """Run one action on one input and yield its emissions; work happens as they are pulled.

        Args:
            function: Id of an action or trigger in component.json.
            body: Input of the ECS operation, member names as in the AWS API.
            config: Credential fields and step fields, flat, as the platform delivers them.
            message_id: Identity of the incoming message: with the same id, body and config, the same
                client tokens are sent.

        Raises:
            ConnectorError: See `ecs_connector.errors`.
        """
        process = self.process(function)
        message = Message(body, id=message_id)
        yield from execute(process, message, config, snapshot if snapshot is not None else EMPTY, self.context())

    def close(self) -> None:
        """Close pooled connections."""
        self.clients.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
