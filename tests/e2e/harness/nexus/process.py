"""One running program."""

import os
import pathlib
import select
import signal
import subprocess

from harness.wait import PATIENCE

# A program reports its readiness on descriptor 3, and it is killed if the tests are killed. setpriv and sh do both: a Python
# function in the child would cost a copy of Python's memory map at each start.
_WRAPPER = ("setpriv", "--pdeathsig", "KILL", "sh", "-c", 'exec "$@" 3>&0 </dev/null', "sh")

# Freed memory is kept until there are 16 MB of it: pages that were never touched before cost more than anything else.
SANITIZER = "detect_stack_use_after_return=1:abort_on_error=0:exitcode=99:quarantine_size_mb=16"

# Text by which a sanitizer's report is recognized.
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:")


class Process:
    """A program with its standard output and error in files, which are kept over restarts."""

    def __init__(self, name, command, folder, environment=None):
        self.name = name
        self.command = [str(word) for word in command]
        self.environment = environment or {}
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.errors = pathlib.Path(folder) / f"{name}.err"
        self._child = None
        self._ready = None

    def start(self):
        """Starts the program; ready() waits until it reports on descriptor 3 that it is ready."""
        assert not self.alive, f"{self.name} is already running"
        self._ready, report = os.pipe()
        with open(self.log, "ab") as log, open(self.errors, "ab") as errors:
            self._child = subprocess.Popen(
                [*_WRAPPER, *self.command], stdin=report, stdout=log, stderr=errors, env=self._environment(), start_new_session=True)
        os.close(report)
        return self

    def ready(self, within=20.0):
        if select.select([self._ready], [], [], within * PATIENCE)[0] and os.read(self._ready, 1) == b"\n":
            return self
        raise AssertionError(f"{self.name} did not become ready (exit {self._child.poll()}):\n{self.tail()}")

    @property
    def alive(self):
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self):
        return self._child.pid

    def send(self, signal_number):
        self._child.send_signal(signal_number)

    def kill(self):
        """Like the kernel when memory runs out: without a warning."""
        self.send(signal.SIGKILL)
        self._child.wait(20 * PATIENCE)

    def freeze(self):
        self.send(signal.SIGSTOP)

    def thaw(self):
        self.send(signal.SIGCONT)

    def stop(self, within=30.0):
        """Asks the program to stop and returns its exit code, which should be 0."""
        if self.alive:
            self.ask_to_stop()
        return self.wait(within)

    def ask_to_stop(self):
        self.thaw()
        self.send(signal.SIGTERM)

    def wait(self, within=30.0):
        within *= PATIENCE
        try:
            code = self._child.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop within {within:g} s:\n{self.tail()}") from None
        finally:
            if self._ready is not None:
                os.close(self._ready)
                self._ready = None
        return code

    def restart(self):
        self.start()
        return self.ready()

    def tail(self, lines=40):
        text = ""
        for file in (self.log, self.errors):
            if file.exists() and file.stat().st_size:
                last = file.read_text(errors="replace").splitlines()[-lines:]
                text += f"--- {file.name}\n" + "\n".join(last) + "\n"
        return text

    def sanitizer_reports(self):
        text = self.errors.read_text(errors="replace") if self.errors.exists() else ""
        return text if any(mark in text for mark in SANITIZER_MARKS) else ""

    def _environment(self):
        """Takes only these variables from the caller's environment; a stray NEXUS_* would be a setting."""
        base = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        base["ASAN_OPTIONS"] = SANITIZER
        base["UBSAN_OPTIONS"] = "print_stacktrace=1"
        return {**base, **{name: str(value) for name, value in self.environment.items()}}
