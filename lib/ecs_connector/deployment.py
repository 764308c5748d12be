"""Follows the deployment that a step has started to its own end, and tells the ways apart in which it ends.

"Stable" is not "deployed": a service is stable while a rollout goes on, and again after a rollback. Here
one deployment is followed by its id. Where ECS keeps a record of it (a service deployment), the record
decides; elsewhere the rollout state of the deployment does.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ecs_connector.context import Context
from ecs_connector.errors import ConnectorError, WaitError
from ecs_connector.model import Operation
from ecs_connector.parse import iso
from ecs_connector.poller import Target
from ecs_connector.rollout import OUTCOMES, Followed, followed_of, record_outcome, service_outcome
from ecs_connector.values import Output
from ecs_connector.waiter import Waiting
from ecs_connector.waits import Goal, Wait, epoch_s, tail

#: How far the times of a deployment and of its record may lie apart, in seconds.
_TOLERANCE_S = 10.0
#: Stopped tasks of a failed deployment that its bundle describes.
_MOST_TASKS = 10


def follow(waiting: Waiting, output: Output, context: Context) -> dict[str, Any]:
    """Wait until the deployments of an output have ended; return what is added to the output.

    Raises:
        WaitFailed: One did not succeed; `last` has its outcome.
        WaitTimedOut: The budget is spent.
    """
    course = _Course(waiting, context)
    followed = course.followed(output.body.get("services") or [output.body.get("service")])
    if not followed and waiting.wait.ids and not waiting.wait.only_looks:
        followed = course.followed(course.services())  # the answer did not show it; a look may
    if not followed:
        return {}
    try:
        return {"deployment": course.run(followed)}
    except WaitError as error:
        error.last = course.bundle()
        raise


class _Course:
    """The wait for one or more deployments."""

    def __init__(self, waiting: Waiting, context: Context) -> None:
        self._waiting = waiting
        self._context = context
        self._step = waiting.step
        self._model = waiting.step.client.clients.model
        self._followed: Sequence[Followed] = ()
        self._records: list[dict[str, Any]] = []
        self._outcomes: list[tuple[str, str]] = []
        self._paused: set[str] = set()

    def followed(self, services: Sequence[Any]) -> list[Followed]:
        """Return the deployments that services show as the ones to come."""
        shown = [(followed_of(service), service) for service in services if isinstance(service, Mapping)]
        return [self.with_record(found, service) for found, service in shown if found is not None]

    def services(self) -> Sequence[Any]:
        """Return the services that the wait is for, as they are now."""
        target = self._waiting.wait.target
        seen = self._call(target.operation.name, {**target.params, target.ids: list(self._waiting.wait.ids)})
        return seen.get(target.items) or ()

    def with_record(self, followed: Followed, service: Mapping[str, Any]) -> Followed:
        """Return the deployment with the ARN of its record: the one that was made when it was."""
        moment = epoch_s(followed.created_at)
        if moment is None:
            return followed
        request = {
            "service": followed.service_arn,
            "cluster": service.get("clusterArn"),
            "createdAt": {"after": iso(moment - _TOLERANCE_S)},
        }
        try:
            output = self._call("ListServiceDeployments", {key: value for key, value in request.items() if value})
        except ConnectorError as error:
            self._context.logger.debug("Deployed: no records of deployments: %s", error.user_message)
            return followed
        near = [
            (abs(made - moment), str(brief.get("serviceDeploymentArn")))
            for brief in output.get("serviceDeployments") or ()
            if (made := epoch_s(brief.get("createdAt"))) is not None
        ]
        distance_s, arn = min(near, default=(_TOLERANCE_S + 1, ""))
        return replace(followed, record_arn=arn) if distance_s <= _TOLERANCE_S else followed

    def _call(self, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        operation: Operation = self._model.operation(name)
        output = self._step.client.call(operation, request, self._step.config)
        self._waiting.seen.calls.append(output.evidence)
        return output.body

    def run(self, followed: Sequence[Followed]) -> Any:
        self._followed = followed
        waiting = self._waiting
        services = waiting.wait
        arns = tuple(one.record_arn for one in followed if one.record_arn)
        if len(arns) == len(followed):
            kind = self._model.waits["kinds"]["serviceDeployments"]
            target = Target(self._model.operation(kind["poll"]), kind["ids"], kind["items"], kind["key"], {})
            waiting.wait = replace(services, target=target, ids=arns, noun=kind["noun"], shows=kind["shows"])
            waiting.judge_by(self._judge_records)
        else:
            waiting.judge_by(self._judge_services)
        try:
            waiting.run()
        except WaitError:
            self._show(services)
            raise
        self._show(services)
        records = [self._record(one) for one in followed]
        return records[0] if services.rule.get("one") else records

    def _show(self, wait: Wait) -> None:
        """See the services once more: what the step shows are their counts and events, however they were followed."""
        waiting = self._waiting
        waiting.wait = wait
        if not self._records:
            return
        try:
            waiting.seen.body = self._call(
                wait.target.operation.name, {**wait.target.params, wait.target.ids: list(wait.ids)}
            )
        except ConnectorError as error:
            waiting.seen.body = {}
            self._context.logger.warning("Deployed: the service cannot be shown: %s", error.user_message)

    def _record(self, followed: Followed) -> dict[str, Any]:
        """Return what is known of a deployment, with its outcome."""
        record = next(
            (item for item in self._records if item.get("serviceDeploymentArn") == followed.record_arn),
            next((item for item in self._deployments() if item.get("id") == followed.id), {}),
        )
        outcome, reason = self._outcome_of(followed)
        return {"deploymentId": followed.id, "outcome": outcome, **({"reason": reason} if reason else {}), **record}

    def _outcome_of(self, followed: Followed) -> tuple[str, str]:
        index = list(self._followed).index(followed)
        return self._outcomes[index] if index < len(self._outcomes) else ("in_progress", "")

    def _deployments(self) -> list[dict[str, Any]]:
        return [item for service in self._waiting.things() for item in service.get("deployments") or ()]

    def bundle(self) -> dict[str, Any]:
        """Return what a failure carries: the deployments, and the tasks of theirs that have stopped."""
        found: dict[str, Any] = {"deployment": [self._record(one) for one in self._followed]}
        if self._waiting.wait.rule.get("one"):
            found["deployment"] = found["deployment"][0]
        tasks = self._stopped_tasks()
        if tasks:
            from ecs_connector.run_judge import Bundle

            found["verdict"] = Bundle(self._step, self._context).of(tasks)[1]
        return found

    def _stopped_tasks(self) -> list[dict[str, Any]]:
        cluster = self._waiting.wait.target.params.get("cluster")
        where = {"cluster": cluster} if cluster else {}
        tasks: list[dict[str, Any]] = []
        try:
            for one in self._followed:
                listed = self._call("ListTasks", {**where, "startedBy": one.id, "desiredStatus": "STOPPED"})
                arns = (listed.get("taskArns") or [])[:_MOST_TASKS]
                if arns:
                    tasks.extend(self._call("DescribeTasks", {**where, "tasks": arns}).get("tasks") or ())
        except ConnectorError as error:
            self._context.logger.debug("Deployed: the tasks of the deployment cannot be shown: %s", error.user_message)
        return tasks

    # -- what a look means --------------------------------------------------------------------------

    def _judge_records(self, body: dict[str, Any]) -> Goal:
        self._records = list(body.get("serviceDeployments") or ())
        by_arn = {tail(item.get("serviceDeploymentArn")): item for item in self._records}
        records = [by_arn.get(tail(one.record_arn)) or {} for one in self._followed]
        for record in records:
            self._tell_pause(record)
        return self._goal([self._of_record(one, record) for one, record in zip(self._followed, records, strict=True)])

    def _of_record(self, followed: Followed, record: Mapping[str, Any]) -> tuple[str, str] | None:
        found = record_outcome(followed, record)
        # A newer deployment stops an older one just as a request does; a rollback has been told apart already.
        if found and found[0] == "stop_request" and record.get("status") == "STOPPED" and self._is_replaced(followed):
            return "replaced", found[1]
        return found

    def _is_replaced(self, followed: Followed) -> bool:
        """Say whether the service is being brought to another deployment."""
        wait = self._waiting.wait
        try:
            body = self._call(
                "DescribeServices", {**wait.target.params, **self._where(), "services": [followed.service_arn]}
            )
        except ConnectorError:
            return False
        deployments = [item for service in body.get("services") or () for item in service.get("deployments") or ()]
        primary = next((item.get("id") for item in deployments if item.get("status") == "PRIMARY"), followed.id)
        return bool(primary != followed.id)

    def _where(self) -> dict[str, Any]:
        arn = self._followed[0].service_arn.split(":", 5)[-1].split("/")
        return {"cluster": arn[1]} if len(arn) == 3 else {}

    def _tell_pause(self, record: Mapping[str, Any]) -> None:
        for hook in record.get("lifecycleHookDetails") or ():
            if hook.get("status") == "AWAITING_ACTION" and hook.get("hookId") not in self._paused:
                self._paused.add(str(hook.get("hookId")))
                self._context.logger.warning(
                    "deployment %s is paused at the hook %s until %s; ContinueServiceDeployment goes on or rolls back",
                    tail(record.get("serviceDeploymentArn")),
                    hook.get("hookId"),
                    hook.get("expiresAt"),
                )

    def _judge_services(self, body: dict[str, Any]) -> Goal:
        by_arn = {tail(item.get("serviceArn")): item for item in body.get("services") or ()}
        return self._goal([service_outcome(one, by_arn.get(tail(one.service_arn)) or {}) for one in self._followed])

    def _goal(self, found: Sequence[tuple[str, str] | None]) -> Goal:
        """Return what the outcomes mean for the wait: one that goes on keeps it going."""
        ended = [outcome for outcome in found if outcome is not None]
        if len(ended) < len(found):
            return Goal(None)
        self._outcomes = ended
        for one, (outcome, said) in zip(self._followed, self._outcomes, strict=True):
            if outcome != one.success:
                return Goal("failure", f"{OUTCOMES[outcome]} ({one.id}). {said}".rstrip(". "))
        return Goal("success")
