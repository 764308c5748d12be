"""What a deployment does on the clock: starts, replaces, completes, fails, rolls back, is stopped.

How it ends follows the scenario's `services`; texts are those that ECS gives.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ecs_connector.harness.local.launch import Order, launch
from ecs_connector.harness.local.reader import FOREVER
from ecs_connector.harness.local.rules import PlacementFailure, ServiceRule, TaskRule
from ecs_connector.harness.local.catalogue import find_definition
from ecs_connector.harness.local.services import REVISION_MEMBERS, Deployment, Revision, Rollout, ServiceRecord
from ecs_connector.harness.local.state import Json, Region
from ecs_connector.harness.local.tasks import TaskRecord

Step = Callable[[float], None]


def new_revision(region: Region, service: ServiceRecord, now: float) -> Revision:
    """Return a revision of what the service is now configured to run."""
    config = {name: service.config[name] for name in REVISION_MEMBERS if service.config.get(name) is not None}
    path = f"{service.cluster}/{service.name}/{region.world.digits_id()}"
    revision = Revision(region.arn(f"service-revision/{path}"), config, now)
    service.revisions.append(revision)
    return revision


def begin(region: Region, service: ServiceRecord, now: float) -> Rollout:
    """Start a service deployment of the service's configuration."""
    number = region.world.count("deployment", region.name, service.cluster, service.name)
    rule = _pick_rule(region, service, number)
    previous = service.rollout
    if previous is not None and previous.ongoing:
        previous.finish("STOPPED", now, "Service deployment stopped because a newer service deployment started.")
    sources = [item.revision for item in service.deployments if item.rollout_state == "COMPLETED"]
    if not sources and previous is not None:
        sources = previous.sources
    revision = new_revision(region, service, now)
    deployment = _put(region, service, revision, now)
    arn = region.arn(f"service-deployment/{service.cluster}/{service.name}/{region.world.hex_id()[:20]}")
    rollout = Rollout(arn, deployment, revision, sources, now)
    breaker = (service.config.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
    rollout.breaker = "MONITORING" if breaker.get("enable") else "DISABLED"
    service.rollouts.append(rollout)
    _Course(region, service, rollout, rule).start(now)
    return rollout


def stop(region: Region, service: ServiceRecord, rollout: Rollout, now: float, *, roll_back: bool) -> None:
    """Stop a service deployment on request."""
    number = region.world.counts.get(("deployment", region.name, service.cluster, service.name), 0)
    course = _Course(region, service, rollout, _pick_rule(region, service, number))
    if roll_back and rollout.sources:
        rollout.plan += 1
        rollout.status = "ROLLBACK_REQUESTED"
        rollout.times["stoppedAt"] = now
        course.later(now, min(0.2, course.rule.rollback_seconds / 2), lambda due: course.roll_back(
            due, "Service deployment was stopped by a user request."))  # fmt: skip
    else:
        rollout.plan += 1
        rollout.status = "STOP_REQUESTED"
        course.later(now, min(0.2, course.rule.rollback_seconds / 2), course.stopped)


def scale(region: Region, service: ServiceRecord, now: float) -> None:
    """Bring the number of tasks of the primary deployment to what is desired."""
    for deployment in service.deployments:
        if deployment.status != "PRIMARY":
            continue
        deployment.desired, deployment.updated_at = service.desired, now
        alive = [task for task in deployment.tasks if task.desired_status == "RUNNING"]
        for task in alive[service.desired :]:
            _dismiss(region, service, task, now)
        _launch(region, service, deployment, max(0, service.desired - len(alive)), now, None)


def dissolve(region: Region, service: ServiceRecord, now: float) -> None:
    """Let go of every task: the service drains, then is inactive."""
    service.status = "DRAINING"
    service.desired = 0
    rollout = service.rollout
    if rollout is not None and rollout.ongoing:
        rollout.finish("STOPPED", now, "The service was deleted.")
    alive = [task for item in service.deployments for task in item.tasks if task.last_status != "STOPPED"]
    for deployment in service.deployments:
        deployment.desired = 0
    for task in alive:
        _dismiss(region, service, task, now)
    wait_s = max((task.rule.stopping_s for task in alive), default=region.world.scenario.task_defaults.stopping_s)

    def gone(due: float) -> None:
        service.status = "INACTIVE"
        service.deployments.clear()
        key = (service.cluster, service.name)
        # ECS shows an inactive service for a while, as it does a stopped task.
        forget_at = due + region.world.scenario.task_retention_s
        region.world.timeline.at(forget_at, lambda _: _forget(region, key, service))

    region.world.timeline.at(now + wait_s, gone)


def _forget(region: Region, key: tuple[str, str], service: ServiceRecord) -> None:
    if region.services.get(key) is service:
        del region.services[key]


def _pick_rule(region: Region, service: ServiceRecord, number: int) -> ServiceRule:
    reference = service.config.get("taskDefinition") or ""
    name = reference.rsplit("/", 1)[-1]
    values = {
        "service": service.name,
        "cluster": service.cluster,
        "taskDefinition": name,
        "family": name.partition(":")[0],
    }
    scenario = region.world.scenario
    for rule in scenario.services:
        if rule.match.fits(values) and (rule.deployment is None or number in rule.deployment):
            return rule
    return scenario.service_defaults


def _put(region: Region, service: ServiceRecord, revision: Revision, now: float) -> Deployment:
    """Add a primary deployment; the others become active ones, on their way out."""
    for other in service.deployments:
        other.status = "ACTIVE"
    deployment = Deployment(f"ecs-svc/{region.world.digits_id()}", revision, service.desired, now, now)
    deployment.reason = f"ECS deployment {deployment.id} in progress."
    service.deployments.insert(0, deployment)
    return deployment


def _launch(
    region: Region, service: ServiceRecord, deployment: Deployment, count: int, now: float, rule: TaskRule | None
) -> None:
    config = deployment.revision.config
    names = ("launchType", "capacityProviderStrategy", "networkConfiguration", "platformVersion")
    body: Json = {
        **{name: config[name] for name in names if config.get(name) is not None},
        "group": f"service:{service.name}",
        "startedBy": deployment.id,
        "enableExecuteCommand": service.config.get("enableExecuteCommand"),
        "tags": region.get_tags(service.arn) if service.config.get("propagateTags") == "SERVICE" else [],
    }
    definition = find_definition(region, config["taskDefinition"])
    life = rule if rule is not None else _service_life(region, service, definition)
    order = Order(service.cluster, definition, body, service=service.name, rule=life)
    for _ in range(count):
        task = launch(region, order, now)
        if isinstance(task, PlacementFailure):
            service.say(region, now, "was unable to place a task. Reason: " + task.reason + ".")
            continue
        deployment.tasks.append(task)
        task.on_stopped = lambda gone, due: _replace(region, service, deployment, gone, due)
    if count:
        service.say(region, now, f"has started {count} tasks: {_names(deployment.tasks[-count:])}.")


def _names(tasks: list[TaskRecord]) -> str:
    return " ".join(f"(task {task.id})" for task in tasks)


def _service_life(region: Region, service: ServiceRecord, definition: Json) -> TaskRule:
    """Return the rule of a service's tasks: only one that names the service may end them."""
    scenario = region.world.scenario
    values = {"service": service.name, "cluster": service.cluster, "family": definition["family"]}
    for rule in scenario.tasks:
        if any(field == "service" for field, _ in rule.match.patterns) and rule.match.fits(values):
            return rule
    return replace(scenario.task_defaults, running_s=FOREVER)


def _replace(region: Region, service: ServiceRecord, deployment: Deployment, gone: TaskRecord, now: float) -> None:
    """Start another task for one that ended although it was wanted."""
    deployment.tasks.remove(gone)
    wanted = service.status == "ACTIVE" and deployment.status == "PRIMARY" and deployment.rollout_state != "FAILED"
    failing = deployment.failed_tasks > 0 and deployment.rollout_state == "IN_PROGRESS"
    alive = sum(task.desired_status == "RUNNING" for task in deployment.tasks)
    if wanted and not failing and gone.stop_code != "ServiceSchedulerInitiated" and alive < deployment.desired:
        _launch(region, service, deployment, 1, now, gone.rule)


def _dismiss(region: Region, service: ServiceRecord, task: TaskRecord, now: float) -> None:
    task.stop(region, now, "ServiceSchedulerInitiated", f"Scaling activity initiated by (deployment {task.started_by})")


class _Course:
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
        service_life = _service_life(self.region, self.service, self._definition())
        step_s = self.rule.seconds * 0.2
        return replace(service_life, provisioning_s=step_s, pending_s=step_s if pending_s is None else pending_s)

    def _definition(self) -> Json:
        return find_definition(self.region, self.rollout.deployment.revision.config["taskDefinition"])

    def _launch(self, now: float, rule: TaskRule) -> None:
        deployment = self.rollout.deployment
        _launch(self.region, self.service, deployment, deployment.desired, now, rule)

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
                    _dismiss(self.region, self.service, task, now)

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
        restored = _put(self.region, self.service, source, now)
        by = "circuit breaker" if self.rollout.breaker == "TRIGGERED" else "rollback"
        restored.reason = f"ECS deployment {by}: rolling back to deploymentId {restored.id}."
        alive = [task for task in survivor.tasks if task.desired_status == "RUNNING"] if survivor is not None else []
        if survivor is not None:
            self._adopt(survivor, restored, alive)
        self.service.say(self.region, now, f"rolling back to deployment {restored.id}.")
        life = replace(self._life(), provisioning_s=self.rule.rollback_seconds * 0.2)
        life = replace(life, pending_s=self.rule.rollback_seconds * 0.2)
        missing = max(0, restored.desired - len(alive))
        _launch(self.region, self.service, restored, missing, now, life)
        for task in list(failed.tasks):
            _dismiss(self.region, self.service, task, now)
        failed.desired = 0
        self.later(now, self.rule.rollback_seconds, self._rolled_back)

    def _adopt(self, survivor: Deployment, restored: Deployment, alive: list[TaskRecord]) -> None:
        """Let tasks that never went away run on under the restored deployment."""
        for task in alive:
            survivor.tasks.remove(task)
            restored.tasks.append(task)
            task.started_by = restored.id
            task.on_stopped = lambda gone, due: _replace(self.region, self.service, restored, gone, due)
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
        deployment.reason = "Service deployment was stopped by a user request."
        self.rollout.finish("STOPPED", now, deployment.reason)


def continue_after_pause(
    region: Region, service: ServiceRecord, rollout: Rollout, now: float, *, roll_back: bool
) -> None:
    """Go on from a pause hook on request."""
    number = region.world.counts.get(("deployment", region.name, service.cluster, service.name), 0)
    _Course(region, service, rollout, _pick_rule(region, service, number)).go_on(now, roll_back=roll_back)


def _cause(reason: str) -> str:
    return "tasks failed to start." if "circuit breaker" in reason else reason.partition(": ")[2] or reason
