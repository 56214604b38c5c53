"""Starts programs, and stops all of them however the comparison ends."""

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
    # What is started ends even when this is killed with -9.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """A program that runs. All it says is in its log."""

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
        """The match of the first line that fits, as soon as it is there."""
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
    """All that was started, in order."""

    def __init__(self, folder):
        self.folder = folder
        self._started = []
        self._count = 0

    def start(self, name, command, environment=None):
        self._count += 1
        log = f'{self.folder}/{self._count}-{name.replace(" ", "-")}.log'
        # A session of its own: Ctrl-C is for this program, which stops the others in order.
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
        """Runs a program to its end: its exit status, and what it said. `while_running(process)` is called each so many seconds."""
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
        """The same for one that must succeed."""
        status, said = self.run(name, command, environment, seconds)
        if status != 0:
            raise Failure(f'{name} failed with {status}: {" ".join(command)}\n{said[-2000:]}')
        return said

    def stop_all(self):
        """In reverse order: what uses Redis and Postgres stops before them."""
        for process in reversed(self._started):
            process.stop()
        self._started.clear()
