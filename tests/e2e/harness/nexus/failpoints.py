"""Failpoints: places where a process dies or loses an answer on request (common/process)."""


def arm(stack, process, rule):
    process.stop()
    process.environment["NEXUS_FAILPOINTS"] = rule
    stack.bring_back(process.name)
    stack.wait_for("green")


def disarm(process):
    """Restarts the process without failpoints; it may have died at one."""
    process.stop()
    del process.environment["NEXUS_FAILPOINTS"]
    process.restart()
