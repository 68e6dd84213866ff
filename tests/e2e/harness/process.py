"""One running program."""

import ctypes
import os
import pathlib
import select
import signal
import subprocess

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1

# What a sanitizer writes when it has found something.
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:")


class Process:
    """A program with its standard output and error in files of its own, kept over restarts."""

    def __init__(self, name, command, folder, environment=None):
        self.name = name
        self.command = [str(word) for word in command]
        self.environment = environment or {}
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.errors = pathlib.Path(folder) / f"{name}.err"
        self._child = None
        self._ready = None

    def start(self):
        """Starts it; ready() waits until it says on descriptor 3 that it serves."""
        assert not self.alive, f"{self.name} runs already"
        self._ready, tell = os.pipe()
        with open(self.log, "ab") as log, open(self.errors, "ab") as errors:
            # Python's own descriptors close on exec; 3 alone is handed over.
            self._child = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=errors, close_fds=False,
                env=self._environment(), preexec_fn=lambda: _in_child(tell), start_new_session=True)
        os.close(tell)
        return self

    def ready(self, within=20.0):
        if select.select([self._ready], [], [], within)[0] and os.read(self._ready, 1) == b"\n":
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
        """As the kernel does it when memory ends: no warning, no cleaning up."""
        self.send(signal.SIGKILL)
        self._child.wait(10)

    def freeze(self):
        self.send(signal.SIGSTOP)

    def thaw(self):
        self.send(signal.SIGCONT)

    def stop(self, within=30.0):
        """Asks it to stop and returns its exit code; the orderly way out is 0."""
        if self.alive:
            self.ask_to_stop()
        return self.wait(within)

    def ask_to_stop(self):
        self.thaw()
        self.send(signal.SIGTERM)

    def wait(self, within=30.0):
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
        """Nothing of the caller's but where programs are; a stray NEXUS_* would be a setting."""
        base = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        base["ASAN_OPTIONS"] = "detect_stack_use_after_return=1:abort_on_error=0:exitcode=99"
        base["UBSAN_OPTIONS"] = "print_stacktrace=1"
        return {**base, **{name: str(value) for name, value in self.environment.items()}}


def _in_child(tell):
    """Descriptor 3 is where readiness is told; whoever is left when the tests are killed goes with them."""
    os.dup2(tell, 3)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
