"""Service calls: the platform asks, outside any flow, for a credential check, metadata or a model.

The answer is one POST that must get a 200; an error of the method is an answer, too.

Source: https://github.com/elasticio/sailor-nodejs/blob/master/lib/service.js
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ecs_connector.errors import ConfigError, ConnectorError, DescriptorError
from ecs_connector.redact import Redactor
from ecs_connector.sailor.error_report import error_report
from ecs_connector.sailor.hooks import credential_secrets, load_component
from ecs_connector.sailor.http import Retry
from ecs_connector.sailor.log import ERROR, FATAL, Log, Output
from ecs_connector.sailor.platform_api import PlatformApi, post_result
from ecs_connector.sailor.settings import PREFIX, leading_integer
from ecs_connector.values import Emission

if TYPE_CHECKING:
    from ecs_connector.component import Component
    from ecs_connector.context import Context

METHODS = ("verifyCredentials", "getMetaModel", "selectModel")
_MANDATORY = ("CFG", "API_URI", "API_USERNAME", "API_KEY")
_TIMEOUT_S = 60.0
_OK, _SERVER_ERROR = 200, 500
_VERIFY_FILE = "verify_credentials.py"


class Service:
    """One service call."""

    def __init__(self, method: str, environment: Mapping[str, str]) -> None:
        self._method = next((known for known in METHODS if known.lower() == method.lower()), method)
        self._environment = environment
        self._output = Output()
        self._log = Log.from_environment("sailor", environment, self._output)
        attempts = leading_integer(self._variable("API_REQUEST_RETRY_ATTEMPTS")) or 1
        delay_ms = leading_integer(self._variable("API_REQUEST_RETRY_DELAY")) or 0
        self._retry = Retry(max(1, attempts), lambda _: max(0, delay_ms) / 1000, _TIMEOUT_S)

    def run(self) -> int:
        """Answer the call; return the exit code."""
        url = self._variable("POST_RESULT_URL")
        if not url:
            self._log.fatal("%sPOST_RESULT_URL is not provided", PREFIX)
            return 1
        try:
            result: dict[str, Any] = {"status": "success", "data": self._answer()}
        except Exception as error:  # noqa: BLE001 - marked place: a component's method may raise anything
            result = self._failure(error)
        if not self._post(url, result):
            return 1
        return 0

    def _post(self, url: str, result: Mapping[str, Any]) -> bool:
        """Post a result; return whether the platform has taken it."""
        try:
            answer = post_result(url, result, retry=self._retry, sleep=time.sleep)
        except (ConnectorError, TypeError, ValueError) as error:
            failure: Exception = error
        else:
            if answer.status == _OK:
                return True
            failure = ConnectorError(f"The platform answered {answer.status} to the result: {answer.text()}")
            if answer.status < _SERVER_ERROR:
                report = error_report(failure, self._output.redactor.text)
                self._log.report(FATAL, report, report["message"])
                return False
        # The platform could not take the answer: say, once, that there is none.
        report = self._failure(failure)
        if result["status"] != report["status"]:
            self._post(url, report)
        return False

    def _variable(self, name: str) -> str:
        return self._environment.get(PREFIX + name, "")

    def _failure(self, error: Exception) -> dict[str, Any]:
        report = error_report(error, self._output.redactor.text)
        self._log.report(ERROR, report, report["message"])
        return {"status": "error", "data": {"message": report["message"]}}

    def _answer(self) -> Any:
        if self._method not in METHODS:
            raise ConfigError(f'Unknown service method "{self._method}"')
        names = [*_MANDATORY]
        if self._method != "verifyCredentials":
            names.append("ACTION_OR_TRIGGER")
        if self._method == "selectModel":
            names.append("GET_MODEL_METHOD")
        for name in names:
            if not self._variable(name):
                raise ConfigError(f"{PREFIX}{name} is not provided", field=PREFIX + name)
        config = self._config()
        component = load_component(self._variable("COMPONENT_PATH"), threading.Event())
        self._output.redactor = Redactor({self._variable("API_KEY"), *credential_secrets(component.descriptor, config)})
        context = component.context(
            logger=Log.from_environment("component", self._environment, self._output),
            identity=self._variable("ACTION_OR_TRIGGER"),
        )
        if self._method == "verifyCredentials":
            return self._verify(component, config, context)
        return self._call_model(component, config, context)

    def _config(self) -> dict[str, Any]:
        try:
            config = json.loads(self._variable("CFG"))
        except ValueError as error:
            raise ConfigError("Unable to parse CFG", field=PREFIX + "CFG") from error
        if not isinstance(config, dict):
            raise ConfigError("Unable to parse CFG: it is not an object", field=PREFIX + "CFG")
        return config

    def _verify(self, component: Component, config: dict[str, Any], context: Context) -> Any:
        self._log.info("The credential check begins.")
        try:
            verifier = _verifier(component)
            result = verifier(config, context) if verifier is not None else None
        except Exception as error:  # noqa: BLE001 - marked place: whatever the check raises is its answer
            report = error_report(error, self._output.redactor.text)
            self._log.report(ERROR, report, f"The credentials are not verified: {report['message']}")
            return {"verified": False, "reason": report["message"]}
        if isinstance(result, Mapping) and "verified" in result:
            answer = dict(result)
        else:
            # Deviates: the official runtime takes False, and a check that cannot be loaded, for verified.
            answer = {"verified": result is not False}
        self._log.info("The credential check has ended: %s.", "verified" if answer["verified"] else "not verified")
        return answer

    def _call_model(self, component: Component, config: dict[str, Any], context: Context) -> Any:
        function = self._variable("ACTION_OR_TRIGGER")
        name = self._method if self._method == "getMetaModel" else self._variable("GET_MODEL_METHOD")
        attribute = "get_meta_model" if name == "getMetaModel" else name
        model = getattr(component.module(function), attribute, None)
        if callable(model) and not attribute.startswith("_"):
            result = model(config, context)
        elif self._method == "selectModel":
            result = _shared_model(name, function, config, context)
        else:
            result = _shared_meta_model(component, function, config)
        return self._drain(result, config) if isinstance(result, Iterator) else result

    def _drain(self, emissions: Iterator[Any], config: Mapping[str, Any]) -> Any:
        """Return what a generator returns, and store the keys that it emits on the way."""
        api = PlatformApi(
            self._variable("API_URI"),
            self._variable("API_USERNAME"),
            self._variable("API_KEY"),
            retry_attempts=self._retry.attempts,
            retry_delay_ms=0,
            sleep=time.sleep,
        )
        while True:
            try:
                item = next(emissions)
            except StopIteration as end:
                return end.value
            if isinstance(item, Emission) and item.kind == "updateKeys":
                try:
                    api.update_keys(config.get("_account"), item.body)
                except ConnectorError as error:
                    self._log.error("Changed credentials could not be stored: %s", error.user_message)


def _verifier(component: Component) -> Any:
    named = (component.descriptor.get("credentials") or {}).get("verifier")
    if isinstance(named, str) and ":" in named:
        module_name, _, function = named.partition(":")
        return getattr(importlib.import_module(module_name), function)
    path = os.path.join(component.root, _VERIFY_FILE)
    return _load(path).verify if os.path.isfile(path) else None


def _load(path: str) -> ModuleType:
    name = f"_component_{abs(hash(path))}_verify_credentials"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DescriptorError(f"{path} is not a Python module.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _shared_model(name: str, function: str, config: dict[str, Any], context: Context) -> Any:
    from ecs_connector.select_models import select_model

    try:
        return select_model(name, config, context)
    except DescriptorError as error:
        raise _no_method(name, function) from error


def _shared_meta_model(component: Component, function: str, config: dict[str, Any]) -> Any:
    """Return the schemas that the descriptor names, for an action whose module makes none."""
    action = component.action(function)
    if "metadata" not in action.entry:
        raise _no_method("getMetaModel", function)
    from ecs_connector.meta_model import meta_model

    names = component.clients.model.names
    return meta_model(action, component.clients.model.operation(function) if function in names else None, config)


def _no_method(name: str, function: str) -> DescriptorError:
    return DescriptorError(f'Method "{name}" is not found in "{function}" action or trigger')


def serve(method: str, environment: Mapping[str, str] | None = None) -> int:
    """Answer a service call by the platform's environment variables; return the exit code."""
    return Service(method, os.environ if environment is None else environment).run()
