"""Starts programs, and stops all of them, however the comparison ends."""

import ctypes
import os
import re
import signal
import subprocess
import time

from .failure import Failure

READY_SECONDS = 120
STOP_SECONDS = 30
POLL_SECONDS = 0.02

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    # The programs end even if this one is killed with -9.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """A program that runs. Its log has all its output."""

    def __init__(self, name, popen, log):
        self.name = name
        self.popen = popen
        self.log = log

    @property
    def pid(self):
        return self.popen.pid

    def said(self):
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return file.read()

    def wait_for(self, pattern):
        """Waits for a line of the log that fits, and returns the match."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            ended = self.popen.poll() is not None
            found = re.search(pattern, self.said(), re.MULTILINE)
            if found:
                return found
            if ended or time.monotonic() > deadline:
                what = 'ended' if ended else f'is not ready after {READY_SECONDS} s'
                raise Failure(f'{self.name} {what}:\n{self.said()[-2000:]}')
            time.sleep(POLL_SECONDS)

    def stop(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()


class Processes:
    """All processes in the order in which they were started."""

    def __init__(self, folder):
        self.folder = folder
        self._started = []
        self._count = 0

    def start(self, name, command, environment=None):
        self._count += 1
        log = f'{self.folder}/{self._count}-{name.replace(" ", "-")}.log'
        # Ctrl-C goes to this program alone, which stops the others in order. So each has a session of its own (setsid(2)).
        with open(log, 'wb') as output:
            try:
                popen = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                    preexec_fn=_die_with_parent, env={**os.environ, **(environment or {})})
            except OSError as error:
                raise Failure(f'cannot start {name}: {error}') from error
        process = Process(name, popen, log)
        self._started.append(process)
        return process

    def stop(self, process):
        process.stop()
        self._started.remove(process)

    def run(self, name, command, environment=None, seconds=600, while_running=None, every=1):
        """Runs a program to its end. Returns its exit status and its output. `while_running(process)` is called each `every` seconds."""
        process = self.start(name, command, environment)
        try:
            deadline = time.monotonic() + seconds
            while True:
                try:
                    return process.popen.wait(every if while_running else seconds), process.said()
                except subprocess.TimeoutExpired:
                    if time.monotonic() > deadline:
                        raise Failure(f'{name} has not ended after {seconds} s:\n{process.said()[-2000:]}') from None
                    if while_running:
                        while_running(process)
        finally:
            self.stop(process)

    def must(self, name, command, environment=None, seconds=600):
        """Runs a program that must succeed. Returns its output."""
        status, said = self.run(name, command, environment, seconds)
        if status != 0:
            raise Failure(f'{name} failed with {status}: {" ".join(command)}\n{said[-2000:]}')
        return said

    def stop_all(self):
        """Stops all processes in reverse order, so the users of Redis and Postgres stop before these."""
        for process in reversed(self._started):
            process.stop()
        self._started.clear()
