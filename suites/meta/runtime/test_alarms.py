"""One thread calls all functions after their times, unless they are canceled."""

from __future__ import annotations

import os
import threading
import time

from models.runtime.alarms import Alarms


def waits(event, seconds=10.0):
    return event.wait(seconds)


def test_functions_are_called_in_the_order_of_their_times():
    alarms, called, last = Alarms(), [], threading.Event()
    start = time.monotonic()
    alarms.set(0.3, lambda: (called.append("later"), last.set()))
    alarms.set(0.1, lambda: called.append("sooner"))
    assert waits(last)
    assert called == ["sooner", "later"]
    assert time.monotonic() - start >= 0.3


def test_canceled_function_is_not_called():
    alarms, called, last = Alarms(), [], threading.Event()
    number = alarms.set(0.1, lambda: called.append("canceled"))
    alarms.set(0.3, last.set)
    alarms.cancel(number)
    assert waits(last)
    assert called == []


def test_alarm_set_after_all_others_have_ended_is_called():
    alarms = Alarms()
    for _ in range(2):
        rung = threading.Event()
        alarms.set(0.05, rung.set)
        assert waits(rung)


def test_many_alarms_need_only_one_thread():
    before, alarms = threading.active_count(), Alarms()
    for number in [alarms.set(60.0, lambda: None) for _ in range(200)]:
        alarms.cancel(number)
    assert threading.active_count() == before + 1


def test_alarm_thread_that_has_ended_is_replaced():
    alarms, rung = Alarms(), threading.Event()
    alarms._thread = threading.Thread(target=os.getpid)
    alarms._thread.start()
    alarms._thread.join()
    alarms.set(0.05, rung.set)
    assert waits(rung)
