"""What a deployment does on the clock: starts, replaces, completes, fails, rolls back.

How it ends follows the scenario's `services`; texts are those that ECS gives.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ecs_connector.harness.local.definitions import find_definition
from ecs_connector.harness.local.deployments import Deployment, Revision, Rollout
from ecs_connector.harness.local.reader import FOREVER
from ecs_connector.harness.local.rules import ServiceRule, TaskRule
from ecs_connector.harness.local.scheduler import dismiss, replace_when_gone, service_life, start_tasks
from ecs_connector.harness.local.services import ServiceRecord
from ecs_connector.harness.local.state import Json, Region
from ecs_connector.harness.local.tasks import TaskRecord

Step = Callable[[float], None]
STOPPED_BY_USER = "Service deployment was stopped by a user request."


def put_primary(region: Region, service: ServiceRecord, revision: Revision, now: float) -> Deployment:
    """Add a primary deployment; the others become active ones, on their way out."""
    for other in service.deployments:
        other.status = "ACTIVE"
    deployment = Deployment(f"ecs-svc/{region.world.digits_id()}", revision, service.desired, now, now)
    deployment.reason = f"ECS deployment {deployment.id} in progress."
    service.deployments.insert(0, deployment)
    return deployment


class Course:
    """The plan of one service deployment on the timeline."""

    def __init__(self, region: Region, service: ServiceRecord, rollout: Rollout, rule: ServiceRule) -> None:
        self.region = region
        self.service = service
        self.rollout = rollout
        self.rule = rule

    def later(self, now: float, delay_s: float, step: Step) -> None:
        """Take a step after a time, unless another plan has begun by then."""
        plan = self.rollout.plan

        def event(due: float) -> None:
            if plan == self.rollout.plan:
                step(due)

        self.region.world.timeline.at(now + delay_s, event)

    # -- forward --------------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Begin: PENDING at first, then the tasks of the new deployment start."""
        self.later(now, self.rule.seconds * 0.1, self._in_progress)

    def _in_progress(self, now: float) -> None:
        self.rollout.status = "IN_PROGRESS"
        self.rollout.times["startedAt"] = now
        self.rollout.stage = "SCALE_UP"
        for text in self.rule.events:
            self.service.say(self.region, now, text)
        if self.rule.outcome == "stuck":
            self._launch(now, self._life(pending_s=FOREVER))
            return
        if self.rule.outcome == "failed":
            self._launch_failing(now)
            self.later(now, self.rule.seconds * 0.9, self._failed)
            return
        self._launch(now, self._life())
        self.later(now, self.rule.seconds * 0.6, self._drain_others)
        self._pause_or(now, self._completed)

    def _pause_or(self, now: float, step: Step) -> None:
        """Go on to the end, unless the service has a pause hook: then wait for it."""
        configuration = self.service.config.get("deploymentConfiguration") or {}
        hooks = [item for item in configuration.get("lifecycleHooks") or [] if item.get("targetType") == "PAUSE"]
        if not hooks:
            self.later(now, self.rule.seconds * 0.9, step)
            return
        self.later(now, self.rule.seconds * 0.5, lambda due: self._pause(due, hooks[0]))

    def _pause(self, now: float, hook: Json) -> None:
        self.rollout.plan += 1
        stages = hook.get("lifecycleStages") or ["POST_SCALE_UP"]
        timeout = hook.get("timeoutConfiguration") or {}
        minutes = timeout.get("timeoutInMinutes") or 1440
        self.rollout.stage = stages[0]
        self.rollout.hooks.append(
            {
                "hookId": f"hook-{self.region.world.hex_id()[:12]}",
                "targetType": "PAUSE",
                "status": "AWAITING_ACTION",
                "expiresAt": now + minutes * 60,
                "timeoutAction": timeout.get("action") or "ROLLBACK",
            }
        )
        self.later(now, minutes * 60, lambda due: self.go_on(due, roll_back=timeout.get("action") != "CONTINUE"))

    def go_on(self, now: float, *, roll_back: bool) -> None:
        """Leave a pause."""
        self.rollout.plan += 1
        if roll_back:
            self.roll_back(now, "Service deployment rolled back because of a lifecycle hook.")
            return
        self.rollout.stage = "CLEAN_UP"
        self._drain_others(now)
        self.later(now, self.rule.seconds * 0.3, self._completed)

    def _life(self, *, pending_s: float | None = None) -> TaskRule:
        """Return a task rule that comes up well before the deployment completes."""
        life = service_life(self.region, self.service, self._definition())
        step_s = self.rule.seconds * 0.2
        return replace(life, provisioning_s=step_s, pending_s=step_s if pending_s is None else pending_s)

    def _definition(self) -> Json:
        return find_definition(self.region, self.rollout.deployment.revision.config["taskDefinition"])

    def _launch(self, now: float, rule: TaskRule) -> None:
        deployment = self.rollout.deployment
        start_tasks(self.region, self.service, deployment, count=deployment.desired, now=now, rule=rule)

    def _launch_failing(self, now: float) -> None:
        life = self._life()
        crash = replace(life, running_s=self.rule.seconds * 0.2, stopping_s=self.rule.seconds * 0.1)
        if self.rule.cause == "alarm":
            # An alarm means that the tasks run and do badly.
            self._launch(now, life)
            return
        self._launch(now, crash)
        self.rollout.deployment.failed_tasks = self.rule.failed_tasks
        self.rollout.failures = self.rule.failed_tasks
        self.rollout.threshold = max(self.rollout.threshold, self.rule.failed_tasks)

    def _drain_others(self, now: float) -> None:
        for other in self.service.deployments:
            if other is not self.rollout.deployment and other.status != "PRIMARY":
                other.desired = 0
                for task in list(other.tasks):
                    dismiss(self.region, task, now)

    def _finish_primary(self, now: float) -> None:
        primary = self.service.deployments[0]
        primary.rollout_state, primary.updated_at = "COMPLETED", now
        primary.reason = f"ECS deployment {primary.id} completed."
        del self.service.deployments[1:]
        self.service.say(self.region, now, f"(deployment {primary.id}) deployment completed.")
        self.service.say(self.region, now, "has reached a steady state.")

    def _completed(self, now: float) -> None:
        self._drain_others(now)
        self._finish_primary(now)
        self.rollout.finish("SUCCESSFUL", now)

    # -- back -----------------------------------------------------------------------------------------

    def _failed(self, now: float) -> None:
        deployment = self.rollout.deployment
        by_alarm = self.rule.cause == "alarm"
        configuration = self.service.config.get("deploymentConfiguration") or {}
        names = list(self.rule.alarms) or (configuration.get("alarms") or {}).get("alarmNames") or ["alarm"]
        if by_alarm:
            reason = f"ECS deployment failed: alarm(s) detected: {', '.join(names)}."
            self.rollout.alarms = {"status": "TRIGGERED", "alarmNames": names, "triggeredAlarmNames": names}
        else:
            reason = "ECS deployment circuit breaker: tasks failed to start."
            self.rollout.breaker = "TRIGGERED"
        reason = self.rule.reason or reason
        deployment.rollout_state, deployment.updated_at, deployment.reason = "FAILED", now, reason
        self.service.say(self.region, now, f"(deployment {deployment.id}) deployment failed: {_cause(reason)}")
        guard = configuration.get("alarms" if by_alarm else "deploymentCircuitBreaker") or {}
        wanted = bool(guard.get("rollback")) if self.rule.rollback is None else self.rule.rollback
        if wanted and self.rollout.sources:
            self.roll_back(now, reason)
        else:
            self.rollout.finish("STOPPED", now, reason)

    def roll_back(self, now: float, reason: str) -> None:
        """Put the last revision that worked back in place."""
        self.rollout.plan += 1
        source = self.rollout.sources[0]
        failed = self.rollout.deployment
        if failed.rollout_state != "FAILED":
            failed.rollout_state, failed.updated_at, failed.reason = "FAILED", now, reason
        self.rollout.status = "ROLLBACK_IN_PROGRESS"
        self.rollout.reason = reason
        self.rollout.times.setdefault("startedAt", now)
        self.rollout.rollback = {"reason": reason, "startedAt": now, "serviceRevisionArn": source.arn}
        self.service.config.update(source.config)
        survivor = next((item for item in self.service.deployments if item.revision is source), None)
        restored = put_primary(self.region, self.service, source, now)
        by = "circuit breaker" if self.rollout.breaker == "TRIGGERED" else "rollback"
        restored.reason = f"ECS deployment {by}: rolling back to deploymentId {restored.id}."
        alive = [task for task in survivor.tasks if task.desired_status == "RUNNING"] if survivor is not None else []
        if survivor is not None:
            self._adopt(survivor, restored, alive)
        self.service.say(self.region, now, f"rolling back to deployment {restored.id}.")
        life = replace(self._life(), provisioning_s=self.rule.rollback_seconds * 0.2)
        life = replace(life, pending_s=self.rule.rollback_seconds * 0.2)
        missing = max(0, restored.desired - len(alive))
        start_tasks(self.region, self.service, restored, count=missing, now=now, rule=life)
        for task in list(failed.tasks):
            dismiss(self.region, task, now)
        failed.desired = 0
        self.later(now, self.rule.rollback_seconds, self._rolled_back)

    def _adopt(self, survivor: Deployment, restored: Deployment, alive: list[TaskRecord]) -> None:
        """Let tasks that never went away run on under the restored deployment."""
        for task in alive:
            survivor.tasks.remove(task)
            restored.tasks.append(task)
            task.started_by = restored.id
            task.on_stopped = lambda gone, due: replace_when_gone(self.region, self.service, restored, gone, due)
        self.service.deployments.remove(survivor)

    def _rolled_back(self, now: float) -> None:
        if self.rule.rollback_fails:
            primary = self.service.deployments[0]
            primary.rollout_state, primary.updated_at = "FAILED", now
            primary.reason = "ECS deployment rollback failed: tasks failed to start."
            self.rollout.finish("ROLLBACK_FAILED", now)
            return
        self._drain_others(now)
        self._finish_primary(now)
        self.rollout.finish("ROLLBACK_SUCCESSFUL", now)

    def stopped(self, now: float) -> None:
        """Reach the end of a stop without rollback: what runs stays as it is."""
        deployment = self.rollout.deployment
        deployment.rollout_state, deployment.updated_at = "FAILED", now
        deployment.reason = STOPPED_BY_USER
        self.rollout.finish("STOPPED", now, deployment.reason)


def _cause(reason: str) -> str:
    return "tasks failed to start." if "circuit breaker" in reason else reason.partition(": ")[2] or reason
