"""Waits until what an operation started has come to its goal, can no longer do so, or the budget is spent.

What a wait looks at and when it ends is data; this is its interpreter. Two things are added to the
waiters of the model: a thing must be missing twice in a row before it counts as gone, since ECS needs a
moment to know it everywhere; and a look that fails in a way that may pass does not end a wait.

Source: data/waits.json, made by `make generate` from the model's waiters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from ecs_connector.client import Step
from ecs_connector.context import Context
from ecs_connector.errors import CallError, ConnectorError, Rebound, ServiceError, WaitFailed, WaitTimedOut
from ecs_connector.poller import Entry, Poller, Pollers
from ecs_connector.waits import Goal, Seen, Wait, accepted, epoch_s, tail

#: Looks in a row after which a thing that ECS does not know is taken to be gone.
_GONE_AFTER_LOOKS = 2
#: Kinds of errors that pass by themselves, so that looking again may help.
_PASSING = frozenset({"throttle", "capacity", "server"})
#: States of a task that has not started.
_NOT_STARTED = frozenset({"PROVISIONING", "PENDING", "ACTIVATING"})


Judge = Callable[[dict[str, Any]], Goal]


class Waiting:
    """A wait under way: its clock and what it has seen."""

    def __init__(
        self,
        step: Step,
        wait: Wait,
        context: Context,
        *,
        resumable: bool,
        again: bool = False,
        seen: Seen | None = None,
    ) -> None:
        """Begin the wait.

        Args:
            resumable: Whether the message may come again without doing its work twice.
            again: Whether an earlier delivery of the message has begun this wait.
        """
        self.step = step
        self.wait = wait
        self.seen = seen if seen is not None else Seen()
        self._context = context
        self._clock = context.clock
        self._judge: Judge = self._by_acceptors
        self._resumable = resumable
        self._started_s = self._clock.monotonic()
        #: Seconds that an earlier delivery of the message has used of the budget.
        self._used_s = self._age_s() if again else 0.0

    def judge_by(self, judge: Judge) -> None:
        """Let something else than the acceptors say what a look means."""
        self._judge = judge

    @property
    def elapsed_s(self) -> float:
        """Seconds since the wait began, earlier deliveries included."""
        return self._used_s + self._clock.monotonic() - self._started_s

    def _age_s(self) -> float:
        now_s = self._clock.now().timestamp() + self.step.client.skew_s
        ages = [now_s - moment for one in self.wait.since if (moment := epoch_s(one)) is not None]
        return max(0.0, *ages) if ages else 0.0

    def run(self) -> Seen:
        """Look until the goal is reached.

        Raises:
            CallError: The step does nothing but look, and its first look failed.
            WaitFailed: The goal cannot be reached any more, or ECS does not let us look.
            WaitTimedOut: The budget is spent.
            Rebound: The message may not be held any longer.
            StopRequested: The process has been asked to stop.
        """
        wait, seen = self.wait, self.seen
        interval_s = self.step.config.waitIntervalSeconds or wait.delay_s
        open_ids = [one for one in wait.ids if one not in seen.final]
        with pollers_of(self.step).joined(self.step, wait.target, open_ids, interval_s, self._clock) as (poller, entry):
            try:
                self._looks(poller, entry)
            finally:
                seen.calls.extend(entry.calls)
                seen.request_id = entry.request_id
        return seen

    def _is_reached(self, goal: Goal) -> bool:
        if goal.state == "failure":
            raise self.failed(goal.reason)
        return goal.state == "success"

    def _looks(self, poller: Poller, entry: Entry) -> None:
        budget_s = float(self.step.config.waitTimeoutSeconds)
        hold_s = self._context.max_hold_s
        while True:
            left_s = budget_s - self.elapsed_s
            held_s = self._clock.monotonic() - self._started_s
            may_hold_s = left_s if hold_s is None else min(left_s, hold_s - held_s)
            entry.due_s = min(entry.due_s, self._clock.monotonic() + max(0.0, may_hold_s))
            if self._is_reached(self._look(poller, entry)):
                return
            self._check_start()
            if self.elapsed_s >= budget_s:
                raise self.timed_out(f"{self.wait.name} was not reached within {budget_s:g} s")
            if hold_s is not None and self._clock.monotonic() - self._started_s >= hold_s:
                raise self._handed_back(hold_s)

    def _look(self, poller: Poller, entry: Entry) -> Goal:
        body: dict[str, Any] | None
        try:
            body = poller.look(entry, self.step.config)
        except ConnectorError as error:
            body = self._without_look(error)
        if body is None:
            return Goal(None)
        goal = self._consider(body)
        entry.ids = tuple(one for one in self.wait.ids if one not in self.seen.final)
        return goal

    def _consider(self, body: dict[str, Any]) -> Goal:
        """Take a look into account, and return what it means."""
        wait, seen = self.wait, self.seen
        seen.looks += 1
        seen.body = self._with_final(body)
        gone = [failure for failure in seen.body.get("failures") or () if failure.get("reason") == "MISSING"]
        if gone:
            seen.missing_looks += 1
            if seen.missing_looks < _GONE_AFTER_LOOKS:
                return Goal(None)
            if wait.rule.get("gone") == "success":
                return Goal("success")
            return Goal("failure", f"{wait.noun} {gone[0].get('arn')} is gone: ECS does not know it (MISSING)")
        seen.missing_looks = 0
        self._narrate()
        return self._judge(seen.body)

    def _without_look(self, error: ConnectorError) -> dict[str, Any] | None:
        """Return what a failed look means: a thing that is not there, or nothing yet.

        Raises:
            WaitFailed: Looking again will not help.
        """
        wait = self.wait
        if wait.only_looks and self.seen.looks == 0 and not getattr(error, "retryable", False):
            raise error
        if isinstance(error, ServiceError) and error.code.endswith("NotFoundException"):
            return {"failures": [{"arn": one, "reason": "MISSING", "detail": error.code} for one in wait.ids]}
        if isinstance(error, CallError) and (error.retryable or getattr(error, "kind", None) in _PASSING):
            self._context.logger.warning("%s: a look failed, the wait goes on: %s", wait.name, error.user_message)
            return None
        raise self.failed(f"the wait cannot look: {error.user_message}") from error

    def _with_final(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a look together with the things that are not looked at again, in the order of the ids."""
        wait, final = self.wait, self.seen.final
        if not wait.final:
            return body
        items = {tail(item.get(wait.target.key)): item for item in body.get(wait.target.items) or ()}
        for one in wait.ids:
            item = items.get(tail(one))
            if item is not None and all(item.get(member) in values for member, values in wait.final.items()):
                final[one] = item
        ordered = [item for one in wait.ids if (item := final.get(one) or items.get(tail(one))) is not None]
        return {**body, wait.target.items: ordered}

    def _by_acceptors(self, body: dict[str, Any]) -> Goal:
        acceptor = accepted(self.wait.acceptors, body)
        if acceptor is None:
            return Goal(None)
        expected = str(acceptor["expected"])
        return Goal(acceptor["state"], self.wait.says.get(expected) or f"the {self.wait.noun} is {expected}")

    def things(self) -> list[dict[str, Any]]:
        """Return what was seen last."""
        found = self.seen.body.get(self.wait.target.items)
        listed = found if isinstance(found, list) else [found]
        return [thing for thing in listed if isinstance(thing, dict)]

    def _narrate(self) -> None:
        """Log every change of a state."""
        wait, states = self.wait, self.seen.states
        for thing in self.things():
            name = tail(thing.get(wait.target.key))
            known = {member: value for member, value in thing.items() if value is not None}
            state = wait.shows.format_map(defaultdict(lambda: "?", known)).removesuffix(", ?")
            before = states.get(name)
            if before != state:
                states[name] = state
                self._context.logger.info("%s %s: %s", wait.noun, name, f"{before} -> {state}" if before else state)

    def _check_start(self) -> None:
        """Give up on tasks that do not start."""
        limit_s = self.step.config.waitStartTimeoutSeconds
        if limit_s is None or not self.wait.rule.get("judges") or self.elapsed_s < limit_s:
            return
        idle = [task for task in self.things() if task.get("lastStatus") in _NOT_STARTED and not task.get("startedAt")]
        if idle:
            name = tail(idle[0].get(self.wait.target.key))
            raise self.timed_out(
                f"task {name} is still {idle[0]['lastStatus']} after {limit_s:g} s: it has not started"
            )

    # -- how it ends ----------------------------------------------------------------------------------

    def failed(self, reason: str) -> WaitFailed:
        return WaitFailed(self._text("failed", reason), operation=self.step.operation.name, reason=reason)

    def timed_out(self, reason: str) -> WaitTimedOut:
        states = ", ".join(f"{name} {state}" for name, state in list(self.seen.states.items())[:5])
        reason = f"{reason}; last seen: {states or 'nothing'}"
        return WaitTimedOut(
            self._text("ended", reason), operation=self.step.operation.name, reason=reason, resumable=self._resumable
        )

    def _handed_back(self, hold_s: float) -> Rebound | WaitTimedOut:
        """Return the signal that hands the message back; where a second delivery would do harm, an error."""
        if self._resumable:
            return Rebound(
                f"{self.step.operation.name}: waiting for {self.wait.name} since {self.elapsed_s:.0f} s; "
                f"a message is held {hold_s:g} s at most, so it comes again and the wait goes on"
            )
        return self.timed_out(
            f"{self.wait.name} was not reached within the {hold_s:g} s that a message may be held, and handing it back "
            "would do its work twice; wait with a Describe action instead"
        )

    def _text(self, verb: str, reason: str) -> str:
        return f"{self.step.operation.name}: the wait for {self.wait.name} {verb}: {reason}."


def pollers_of(step: Step) -> Pollers:
    """Return the pollers that all waits of a process share."""
    shared = step.client.clients.shared
    found: Pollers = shared.get("pollers") or shared.setdefault("pollers", Pollers())
    return found
