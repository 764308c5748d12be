"""The life of a step's process: connect, learn about the step, run the hooks, work, stop.

The main thread waits for signals; workers process messages; one thread owns the broker's connections.

Source: https://github.com/elasticio/sailor-nodejs/blob/master/run.js
"""

from __future__ import annotations

import logging
import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Any

from ecs_connector.errors import BrokerError, SettingsError
from ecs_connector.sailor.error_report import error_report
from ecs_connector.sailor.hooks import call_hook, load_component, secrets_of
from ecs_connector.sailor.log import DEBUG, FATAL, Bridge, Log, Output
from ecs_connector.sailor.platform_api import PlatformApi, StepInfo
from ecs_connector.sailor.settings import Settings

if TYPE_CHECKING:
    from ecs_connector.component import Component
    from ecs_connector.sailor.broker import Broker
    from ecs_connector.sailor.dedup import Delivery
    from ecs_connector.sailor.step import Step

_STOP_CONSUMING_S = 5.0
_CLOSE_S = 2.0
#: What the process gets on top of its time after a signal; the platform's patience ends at 30 seconds.
_OVERTIME_S = 2.0
#: A start that fails tells the platform why, if the broker takes it in this time.
_LAST_WORDS_S = 10.0


class Runtime:
    """One process of a step."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._output = Output()
        self._log = Log.from_environment("sailor", environment, self._output)
        self._stop = threading.Event()
        #: What ends the process. A SimpleQueue, because a signal handler may put into it at any point.
        self._events: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self._told_to_stop: SimpleQueue[None] = SimpleQueue()
        self._work: SimpleQueue[Delivery | None] = SimpleQueue()
        self._workers: list[threading.Thread] = []

    def run(self) -> int:
        """Run until the platform says stop; return the exit code."""
        logging.getLogger().addHandler(Bridge(self._log))
        try:
            settings = Settings.from_environment(self._environment)
        except SettingsError as error:
            self._log.fatal("%s", error.user_message)
            return 1
        self._output.redactor = secrets_of(settings, {}, {})
        threading.Thread(target=self._end_in_time, args=(settings.shutdown_s,), name="stop", daemon=True).start()
        with self._signals():
            return self._run_shutdown_hook(settings) if settings.hook_shutdown else self._run_step(settings)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def on_signal(number: int, _: FrameType | None) -> None:
            self._events.put(("signal", signal.Signals(number).name))
            self._told_to_stop.put(None)

        previous = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _end_in_time(self, shutdown_s: float) -> None:
        """End the process when a start, a hook or a component's own thread keeps it from ending after a signal."""
        self._told_to_stop.get()
        time.sleep(shutdown_s + _OVERTIME_S)
        self._log.error("The process does not end by itself; what it has in work goes back to the queue.")
        os._exit(0)

    def _api(self, settings: Settings) -> PlatformApi:
        return PlatformApi(
            settings.api_uri,
            settings.api_username,
            settings.api_key,
            retry_attempts=settings.api_request_retry_attempts,
            retry_delay_ms=settings.api_request_retry_delay_ms,
            sleep=time.sleep,
        )

    def _run_shutdown_hook(self, settings: Settings) -> int:
        api = self._api(settings)
        try:
            info = api.step_info(settings.flow_id, settings.step_id)
            component = load_component(settings.component_path, self._stop)
            self._output.redactor = secrets_of(settings, component.descriptor, info.config)
            state = api.startup_state(settings.flow_id)
            call_hook(component, settings.function, "shutdown", self._log, info.config, state)
            api.delete_startup_state(settings.flow_id)
        except Exception as error:  # noqa: BLE001 - marked place: a hook may raise anything
            self._fatal(error)
            return 1
        return 0

    def _run_step(self, settings: Settings) -> int:
        from ecs_connector.sailor.broker import Broker
        from ecs_connector.sailor.crypto import PayloadCipher
        from ecs_connector.sailor.envelope import Codec
        from ecs_connector.sailor.outgoing import Outgoing

        try:
            codec = Codec(PayloadCipher(settings.message_crypto_password, settings.message_crypto_iv))
            broker = Broker(
                settings,
                log=self._log,
                monotonic=time.monotonic,
                on_delivery=self._work.put,
                on_dead=lambda reason: self._events.put(("dead", reason)),
            )
        except SettingsError as error:
            self._log.fatal("%s", error.user_message)
            return 1
        broker.open()
        outgoing = Outgoing(settings, codec)
        try:
            step = self._start(settings, codec, outgoing, broker)
        except Exception as error:  # noqa: BLE001 - marked place: a component's module and hooks may raise anything
            self._fatal(error)
            self._last_words(error, outgoing, broker)
            return 1
        return self._serve(step, broker)

    def _start(self, settings: Settings, codec: Any, outgoing: Any, broker: Broker) -> Step:
        from ecs_connector.sailor.lightweight import ObjectStorage
        from ecs_connector.sailor.step import Step

        api = self._api(settings)
        # The broker answers while the platform is asked.
        info = api.step_info(settings.flow_id, settings.step_id)
        component = load_component(settings.component_path, self._stop)
        self._output.redactor = secrets_of(settings, component.descriptor, info.config)
        storage = ObjectStorage(settings, codec, environment=self._environment, sleep=time.sleep, random=random.random)
        component_log = Log.from_environment("component", self._environment, self._output)
        step = Step(
            settings=settings,
            component=component,
            info=info,
            codec=codec,
            outgoing=outgoing,
            api=api,
            storage=storage,
            log=self._log,
            component_log=component_log,
            publish=broker.publish,
            settle=broker.settle,
            redact=self._output.redactor.text,
        )
        broker.wait_open()
        self._run_hooks(settings, component, info, api)
        self._start_workers(step)
        broker.consume()
        self._log.info("The step is initialized and waits for messages.")
        return step

    def _run_hooks(self, settings: Settings, component: Component, info: StepInfo, api: PlatformApi) -> None:
        # Loaded here, by one thread, so that a bad module fails the start and not the first message.
        component.process(settings.function)
        if settings.startup_required:
            state = call_hook(component, settings.function, "startup", self._log, info.config)
            if api.store_startup_state(settings.flow_id, state):
                self._log.warning("The start-up state of an earlier run was replaced.")
        call_hook(component, settings.function, "init", self._log, info.config)

    def _start_workers(self, step: Step) -> None:
        for number in range(step.settings.prefetch):
            worker = threading.Thread(target=self._work_off, args=(step,), name=f"worker-{number}", daemon=True)
            worker.start()
            self._workers.append(worker)

    def _work_off(self, step: Step) -> None:
        from ecs_connector.sailor.handling import handle

        work = self._work
        while (delivery := work.get()) is not None:
            if self._stop.is_set():
                step.settle(delivery, "requeue")
            else:
                try:
                    handle(step, delivery)
                except BaseException as error:
                    self._events.put(("dead", f"A worker has failed: {type(error).__name__}"))
                    raise

    def _serve(self, step: Step, broker: Broker) -> int:
        while True:
            try:
                event, what = self._events.get(timeout=step.settings.health_interval_s)
            except Empty:
                self._health(step, broker)
                continue
            if event == "dead":
                self._log.fatal("%s", what)
                broker.close(_CLOSE_S)
                return 1
            self._log.info("%s: the step finishes what it has in work.", what)
            self._shut_down(step, broker)
            return 0

    def _shut_down(self, step: Step, broker: Broker) -> None:
        # Order: no new deliveries, then wake what waits, then let the rest finish; closing hands back
        # to the queue what is not done by then.
        deadline = time.monotonic() + step.settings.shutdown_s - _CLOSE_S
        self._stop.set()
        broker.stop_consuming(_STOP_CONSUMING_S)
        for _ in self._workers:
            self._work.put(None)
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))
        self._health(step, broker)
        broker.close(_CLOSE_S)
        step.component.close()

    def _health(self, step: Step, broker: Broker) -> None:
        if self._log.enabled(DEBUG):
            counters, publisher = step.counters, broker.publisher
            self._log.debug(
                "Health: %d in work, %d done, %d rejected, %d errors, %d rebounds, %d published, %d publishes repeated, "
                "%d unroutable, %d waiting for a confirm, %d copies.",
                broker.consumer.in_work, counters.done, counters.rejected, counters.errors, counters.rebounds,
                publisher.published, publisher.retried, publisher.returned, publisher.pending, broker.consumer.copies,
            )  # fmt: skip

    def _fatal(self, error: Exception) -> None:
        report = error_report(error, self._output.redactor.text)
        self._log.report(FATAL, report, report["message"])

    def _last_words(self, error: Exception, outgoing: Any, broker: Broker) -> None:
        from uuid import uuid4

        def publish() -> None:
            try:
                broker.wait_writable()
                report = error_report(error, self._output.redactor.text)
                for publication in outgoing.errors(report, outgoing.headers.startup_error(str(uuid4())), None):
                    broker.publish(publication)
            except BrokerError:
                self._log.error("The platform could not be told why the start failed.")

        thread = threading.Thread(target=publish, name="last-words", daemon=True)
        thread.start()
        thread.join(_LAST_WORDS_S)
        broker.close(_CLOSE_S)


def run(environment: Mapping[str, str] | None = None) -> int:
    """Run a step by the platform's environment variables; return the exit code."""
    return Runtime(os.environ if environment is None else environment).run()
