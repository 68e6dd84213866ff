"""Conditions with deadlines. No other module sleeps."""

import random
import time

PATIENCE = 3  # factor of all deadlines, for busy machines
LONGEST_ANSWER = 30  # seconds: no program takes so long to answer, because the longest deadline of a route is 5 s times PATIENCE


def eventually(condition, what, within=10.0):
    """Calls the condition until its result is true and returns the result; an AssertionError of the condition counts as "not yet".
    The deadline promises no duration; it ensures that a test ends."""
    within *= PATIENCE
    deadline, pause = time.monotonic() + within, 0.01
    answer, reason = _asked(condition)
    while not answer:
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}{reason}")
        time.sleep(pause)
        pause = min(1.2 * pause, 0.1)  # a long wait must not use much CPU time
        answer, reason = _asked(condition)
    return answer


def _asked(condition):
    """Its result, and the reason if it has none."""
    try:
        return condition(), ""
    except AssertionError as not_yet:
        return None, f": {not_yet}"


def steadily(condition, what, seconds):
    """Asserts that the condition is true now and stays true for all of this time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"no longer: {what}"
        time.sleep(0.02)


def some_moment(longest, shortest=0.0, chance=random):
    """Sleeps for a random time. It waits for no condition: races are found by acting at many random moments."""
    time.sleep(chance.uniform(shortest, longest))


def slowly(seconds):
    """Delays an answer."""
    time.sleep(seconds)
