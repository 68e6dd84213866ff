"""Conditions with deadlines."""

import time


def eventually(condition, what, within=10.0):
    """Asks until the answer is true and returns it; an AssertionError of the condition counts as "not yet"."""
    deadline = time.monotonic() + within
    while True:
        try:
            answer, reason = condition(), ""
        except AssertionError as not_yet:
            answer, reason = None, f": {not_yet}"
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}{reason}")
        time.sleep(0.02)
