"""What comes after the call of a step that waits: the wait, the verdict, and what becomes of started tasks.

Whatever goes wrong here, the operation has had its effect: an error carries the output, so that nobody
has to search for what was started.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ecs_connector import emit
from ecs_connector.client import Step
from ecs_connector.context import Context
from ecs_connector.diagnosis import diagnose
from ecs_connector.errors import ConnectorError, PartialFailure, WaitError, WaitFailed
from ecs_connector.redact import redact_members, redact_text
from ecs_connector.tokens import has_mark
from ecs_connector.values import Evidence, Output
from ecs_connector.waiter import Waiting
from ecs_connector.waits import Seen, Wait, plan, tail

#: Service events that a bundle carries, the latest first.
_EVENTS = 10
#: Characters of the reason that StopTask is given.
_REASON_CHARS = 250


def wait_step(step: Step, params: Mapping[str, Any], context: Context, call: Callable[[], Output]) -> Output:
    """Call, wait for what the step waits for, and return the output with what was seen at the end.

    A step that does nothing but look is not called for itself: its looks are those of all who wait.

    Raises:
        WaitFailed: The goal cannot be reached, or tasks did not do their work.
        WaitTimedOut: The budget is spent.
        PartialFailure: ECS did not start everything, and the step's policy calls that an error.
        Rebound: The message may not be held any longer.
        StopRequested: The process has been asked to stop.
    """
    wait = plan(step, step.config.waitFor, params, {})
    output = Output({}, Evidence(None, 0)) if wait.only_looks else call()
    course = _Course(step, params, output, context)
    try:
        if step.operation.failures:
            emit.judge_failures(step.operation, output.body, step.config.onFailures or "partial")
        return course.run()
    except (WaitError, PartialFailure) as error:
        let_go = course.let_go(error.user_message)
        if isinstance(error, WaitError) and isinstance(error.last, dict):
            error.last.update(let_go)
        raise
    except KeyboardInterrupt:
        course.let_go("the wait was cancelled")
        raise


class _Course:
    """One wait of one step, from the output of its call to the output of the step."""

    def __init__(self, step: Step, params: Mapping[str, Any], output: Output, context: Context) -> None:
        self._step = step
        self._params = params
        self._output = output
        self._context = context
        self._wait: Wait = plan(step, step.config.waitFor, params, output.body)
        resumable = step.operation.retry_safe(params) or has_mark(step.operation, params)
        again = bool(context.redelivered or output.body.get("alreadyStarted"))
        self._waiting = Waiting(step, self._wait, context, resumable=resumable, again=again, seen=Seen())

    def run(self) -> Output:
        waiting, wait = self._waiting, self._wait
        extra: dict[str, Any] = {}
        try:
            if wait.kind == "deployment":
                from ecs_connector.deployment import follow

                extra = follow(waiting, self._output, self._context)
            elif wait.ids:
                waiting.run()
            elif not wait.has_verdict and not self._output.body.get("failures"):
                raise waiting.failed("the answer names nothing that could be waited for")
        except WaitError as error:
            error.last = self._last(error.last)
            raise self._explained(error) from error.__cause__
        if wait.has_verdict:
            extra = self._judged()
        return self._finished(extra)

    def _judged(self) -> dict[str, Any]:
        """Return the verdict on the tasks.

        Raises:
            WaitFailed: It is a bad one, and the step's policy calls that an error.
        """
        from ecs_connector.run_judge import Bundle

        bundle = Bundle(self._step, self._context)
        verdict, report = bundle.of(self._waiting.things(), self._output.body.get("failures") or ())
        self._waiting.seen.calls.extend(bundle.calls)
        # What ECS did not start has been judged by the step's policy for failures already.
        is_bad = not verdict.tasks or any(not task.ok for task in verdict.tasks)
        if is_bad and self._step.config.onBadVerdict != "emit":
            name = self._step.operation.name
            text = f"{name}: {verdict.reason} {_advice(report)}".strip()
            raise WaitFailed(text, operation=name, reason=verdict.reason, last=self._masked({"verdict": report}))
        return {"verdict": report}

    def _finished(self, extra: Mapping[str, Any]) -> Output:
        waiting = self._waiting
        seen, own = waiting.seen, self._output.evidence
        evidence = Evidence(
            own.request_id or seen.request_id,
            own.attempts + sum(call.attempts for call in seen.calls),
            own.retried + tuple(reason for call in seen.calls for reason in call.retried),
            ({"waitFor": self._wait.name, "looks": seen.looks, "seconds": round(waiting.elapsed_s, 3)},),
        )
        return Output({**self._output.body, **self._result(), **extra}, evidence)

    def _result(self) -> dict[str, Any]:
        """Return what was seen last, under the name that the operation's output has for it."""
        things, rule = self._waiting.things(), self._wait.rule
        if not things and not self._wait.only_looks:
            return {}
        result: dict[str, Any] = {} if rule.get("one") else {rule["put"]: things}
        if rule.get("one") and things:
            result[rule["put"]] = things[0]
        if self._wait.only_looks and self._step.operation.failures:
            result["failures"] = self._waiting.seen.body.get("failures") or []
        return result

    def _last(self, more: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the bundle of a wait that did not end well."""
        things = self._waiting.things()
        bundle: dict[str, Any] = dict(more or {})
        if self._wait.rule.get("judges") and things and not bundle:
            from ecs_connector.run_judge import Bundle

            bundle = {"verdict": Bundle(self._step, self._context).of(things)[1]}
        if any("events" in thing for thing in things):
            bundle.update(_service_facts(things))
        return self._masked(bundle)

    def _explained(self, error: WaitError) -> WaitError:
        """Return the error of a failed wait with what the verdict on ended tasks says of it."""
        report = error.last.get("verdict")
        if (
            not isinstance(error, WaitFailed)
            or not report
            or not any(task.get("diagnosis") for task in report.get("tasks", ()))
        ):
            return error
        reason = f"{error.reason}; {report['reason']}"
        text = f"{error.user_message} {report['reason']} {_advice(report)}".strip()
        return WaitFailed(text, operation=error.operation, reason=reason, last=error.last)

    def _masked(self, bundle: Mapping[str, Any]) -> dict[str, Any]:
        """Return the output, with what was seen last and the bundle, fit for an error report."""
        plan_out = self._step.operation.secrets_out
        poll_out = self._wait.target.operation.secrets_out
        items = self._wait.target.items
        seen = redact_members({items: self._waiting.things()}, poll_out)[items]
        result = {self._wait.rule["put"]: seen[0] if self._wait.rule.get("one") else seen} if seen else {}
        return {**redact_members(self._output.body, plan_out), **result, **bundle}

    def let_go(self, why: str) -> dict[str, Any]:
        """Stop what the step has started and still runs, if that is the step's policy; return what became of it."""
        step, wait, context = self._step, self._wait, self._context
        rule = wait.rule.get("starts")
        if rule is None or step.config.onWaitFailure != "stop":
            return {}
        last = {tail(item.get(wait.target.key)): item for item in self._waiting.things()}
        operation = step.client.clients.model.operation(rule["operation"])
        cluster = self._params.get(rule["cluster"])
        stopped, failed = [], []
        for one in wait.ids:
            known = last.get(tail(one)) or {}
            if "STOPPED" in (known.get("lastStatus"), known.get("desiredStatus")):
                continue
            request = {rule["id"]: one, rule["reason"]: f"ecs-connector: {why}"[:_REASON_CHARS]}
            try:
                step.client.call(operation, {**request, **({rule["cluster"]: cluster} if cluster else {})}, step.config)
                stopped.append(one)
                context.logger.info("%s %s: stopped, because %s", wait.noun, tail(one), why)
            except ConnectorError as problem:
                failed.append({"arn": one, "reason": problem.user_message})
                context.logger.error("%s %s could not be stopped: %s", wait.noun, tail(one), problem.user_message)
        return {"stopped": stopped, **({"notStopped": failed} if failed else {})}


def _advice(report: Mapping[str, Any]) -> str:
    """Return what most likely happened, and what to do about it."""
    diagnosed = [*report["tasks"], *report["failures"]]
    found = next((entry["diagnosis"] for entry in diagnosed if entry.get("diagnosis")), None)
    return f"Likely cause: {found['cause']} What to do: {found['remedy']}" if found else ""


def _service_facts(services: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the recent events of services, and what they mean."""
    events = [
        {"createdAt": event.get("createdAt"), "message": redact_text(str(event.get("message") or ""))}
        for service in services
        for event in (service.get("events") or ())[:_EVENTS]
    ]
    found = next((known for event in events if (known := diagnose(event["message"])) is not None), None)
    return {"events": events, "diagnosis": found.report() if found else None}
