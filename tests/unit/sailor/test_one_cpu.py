"""A busy step's threads on one processor."""

from __future__ import annotations

import os
import threading

import pytest

from ecs_connector.sailor import one_cpu
from ecs_connector.sailor.one_cpu import OneCpu

THREAD, OTHER, NATIVE = 11, 12, 13


class Machine:
    """Threads and their processors; timers that fire when told."""

    def __init__(self, monkeypatch, cpus=frozenset({0, 1, 2})):
        self.masks = {THREAD: set(cpus), OTHER: {2}, NATIVE: set(cpus)}
        self.cpu = 1
        self.timers = []
        monkeypatch.setattr(one_cpu, "allowed_cpus", lambda: set(cpus))
        monkeypatch.setattr(one_cpu, "current_cpu", lambda: self.cpu)
        monkeypatch.setattr(os, "sched_getaffinity", lambda task: set(self.masks[task]))
        monkeypatch.setattr(os, "sched_setaffinity", self.set)
        monkeypatch.setattr(os, "listdir", lambda _: [str(task) for task in self.masks])
        names = [type("Thread", (), {"native_id": task}) for task in (THREAD, OTHER, None)]
        monkeypatch.setattr(threading, "enumerate", lambda: names)
        self.held = OneCpu(lambda delay_s, call: self.timers.append((delay_s, call)))

    def set(self, task, cpus):
        self.masks[task] = set(cpus)

    def deliver(self, count):
        for _ in range(count):
            self.held.delivered()

    def fire(self):
        (_, call), *self.timers = self.timers
        call()


def test_a_busy_step_is_held_and_let_go_in_turn(monkeypatch):
    """Python's threads are held where the broker's thread is, then let go, then held where it is found next."""
    machine = Machine(monkeypatch)
    machine.deliver(100)
    machine.fire()
    assert machine.masks[THREAD] == {0, 1, 2}
    machine.fire()
    assert machine.masks == {THREAD: {1}, OTHER: {2}, NATIVE: {0, 1, 2}}
    machine.deliver(100)
    machine.fire()
    assert machine.masks[THREAD] == {0, 1, 2}
    machine.cpu = 0
    machine.fire()
    assert machine.masks[THREAD] == {0}
    assert len(machine.timers) == 1


def test_threads_that_were_started_meanwhile_are_let_go(monkeypatch):
    """A thread begins on its parent's processor; it is let go with the others."""
    machine = Machine(monkeypatch)
    machine.deliver(100)
    machine.fire()
    machine.fire()
    machine.masks[14] = {1}
    machine.fire()
    assert machine.masks[14] == {0, 1, 2}
    assert machine.masks[OTHER] == {2}


def test_a_step_without_work_is_let_go_and_has_no_timer(monkeypatch):
    """When the work ends the threads are let go, and nothing wakes the process until the next delivery."""
    machine = Machine(monkeypatch)
    machine.deliver(100)
    machine.fire()
    machine.fire()
    machine.fire()
    assert machine.masks[THREAD] == {0, 1, 2}
    assert machine.timers == []
    machine.deliver(1)
    assert len(machine.timers) == 1


def test_a_slow_step_is_not_held(monkeypatch):
    """A few messages are no reason."""
    machine = Machine(monkeypatch)
    machine.deliver(3)
    machine.fire()
    assert machine.masks[THREAD] == {0, 1, 2}
    assert machine.timers == []


def test_one_processor_is_one_already(monkeypatch):
    """With one processor there is nothing to do."""
    machine = Machine(monkeypatch, cpus={0})
    machine.deliver(100)
    assert machine.timers == []


@pytest.mark.parametrize("error", [PermissionError(), OSError(22, "Invalid")])
def test_a_system_that_does_not_allow_it(monkeypatch, error):
    """Where threads may not be held the step goes on as it is, and does not try again."""
    machine = Machine(monkeypatch)

    def refuse(_task, cpus):
        if len(cpus) == 1:
            raise error

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    machine.deliver(100)
    machine.fire()
    machine.fire()
    machine.fire()
    machine.deliver(100)
    assert machine.timers == []


def test_a_thread_that_has_ended_is_passed_over(monkeypatch):
    """A thread that ends while threads are held is no error."""
    machine = Machine(monkeypatch)
    ended = type("Thread", (), {"native_id": 99})
    monkeypatch.setattr(threading, "enumerate", lambda: [ended, type("Thread", (), {"native_id": THREAD})])
    known = os.sched_getaffinity
    monkeypatch.setattr(os, "sched_getaffinity", lambda task: known(task) if task != 99 else _gone())
    machine.deliver(100)
    machine.fire()
    machine.fire()
    assert machine.masks[THREAD] == {1}


def _gone():
    raise ProcessLookupError


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system has no such call")
def test_this_machine():
    """The real system is asked rightly: the processor that runs us is one of those that we may use."""
    assert one_cpu.current_cpu() in os.sched_getaffinity(0)
    assert one_cpu.allowed_cpus() == os.sched_getaffinity(0)
