"""The consumption of a run: CPU time by program, fsyncs, WAL, and the sizes of batches."""

import os
import time
import typing

from harness.nexus.database import children

TICKS = os.sysconf("SC_CLK_TCK")


class Moment(typing.NamedTuple):
    at: float
    cpu_s: dict
    wal_bytes: int
    wal_syncs: int
    rows: int           # inserted into message, according to the statistics of the backends so far


class Consumption(typing.NamedTuple):
    seconds: float
    cpu_s: dict
    wal_bytes: int
    syncs_per_row: float

    def cpu_us(self, messages, *programs):
        """CPU-µs for each message: a column for each of these programs and PostgreSQL, and the sum of all but the simulator."""
        each = {name: 1e6 * cpu_s / messages for name, cpu_s in self.cpu_s.items()}
        columns = {f"{name} µs": round(each[name], 1) for name in (*programs, "PostgreSQL")}
        return {**columns, "all µs": round(sum(us for name, us in each.items() if name != "simulator"), 1)}


def moment(nexus):
    wal_bytes, wal_syncs, rows = nexus.query(
        """select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint, (select wal_sync from pg_stat_wal),
                  (select n_tup_ins from pg_stat_user_tables where relname = 'message')""")[0]
    return Moment(time.monotonic(), _cpu_s(nexus), wal_bytes, wal_syncs, rows)


def between(before, after):
    cpu_s = {name: after.cpu_s[name] - before.cpu_s[name] for name in after.cpu_s}
    rows = after.rows - before.rows
    return Consumption(after.at - before.at, cpu_s, after.wal_bytes - before.wal_bytes,
                       (after.wal_syncs - before.wal_syncs) / rows if rows else float("nan"))


def batches(nexus, name):
    """(number of batches so far, their rows, seconds until their commits) of one kind of batch."""
    metrics = nexus.stack.metrics()

    def total(metric):
        return sum(value for series, value in metrics.items()
                   if series.startswith(metric) and f'batch="{name}"' in series)

    return total("nexus_batch_rows_count"), total("nexus_batch_rows_sum"), total("nexus_commit_duration_seconds_sum")


def batches_between(before, after):
    count, rows, seconds = (b - a for a, b in zip(before, after))
    return {"batch rows": round(rows / count, 1), "commit ms": round(1000 * seconds / count, 2)}


def _cpu_s(nexus):
    used = {}
    for process in nexus.stack.processes.values():
        program = process.name.rsplit("-", 1)[0]
        used[program] = used.get(program, 0) + _ticks(process.pid)[0] / TICKS
    # The CPU time of ended backends is counted as that of the postmaster's children.
    postmaster = nexus.postgres.pid
    own, ended = _ticks(postmaster)
    used["PostgreSQL"] = (own + ended + sum(_ticks(pid)[0] for pid in children(postmaster))) / TICKS
    used["Redis"] = _ticks(nexus.stack.redis.pid)[0] / TICKS
    return used


def _ticks(pid):
    """(its own ticks, those of its ended children); zero for a process that has just ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0, 0
    user, system, children_user, children_system = (int(field) for field in fields[11:15])
    return user + system, children_user + children_system
