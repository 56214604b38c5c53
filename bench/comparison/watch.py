"""What the processes of a run use while it runs: samples of processor time, memory and backlog, and what they say of any time between
them."""

import bisect
import time

from . import proc, quiet

SAMPLE_SECONDS = 0.25
# Columns, beside one for each process.
IN_USE, REWRITES = 'cores in use', 'rewrite'


class Samples:
    """Values that were read at moments; between two of them, as if it went straight. No I/O."""

    def __init__(self):
        self._moments, self._values = [], []

    def add(self, moment, value):
        self._moments.append(moment)
        self._values.append(value)

    def add_growing(self, moment, value):
        """Of what never gets less: a value that does is of a process that has ended, or is about to, and is left out."""
        if not self._values or value >= self._values[-1]:
            self.add(moment, value)

    def at(self, moment):
        """Before the first sample the first, after the last the last."""
        after = bisect.bisect_left(self._moments, moment)
        if after == 0:
            return self._values[0]
        if after == len(self._moments):
            return self._values[-1]
        begin, end = self._moments[after - 1], self._moments[after]
        part = (moment - begin) / (end - begin)
        return self._values[after - 1] + part * (self._values[after] - self._values[after - 1])

    def within(self, begin, end):
        return self._values[bisect.bisect_left(self._moments, begin):bisect.bisect_right(self._moments, end)]


class Watch:
    """Of generator, server, Redis, sync worker and Postgres."""

    def __init__(self, stack, server):
        self._stack = stack
        self._pids = {'server': server.process.pid, 'Redis': stack.redis_pid, 'sync': stack.sync_pid}
        self._cpu, self._memory, self._lag, self._machine, self._rewrites = {}, {}, Samples(), Samples(), Samples()

    def look(self, generator):
        for name, pid in {'generator': generator.pid, **self._pids}.items():
            # The generator ends between two looks, one thread after the other; what it used is not known any more.
            self._cpu.setdefault(name, Samples()).add_growing(time.time(), proc.cpu_seconds([pid]))
            self._memory.setdefault(name, Samples()).add(time.time(), proc.resident_bytes(pid))
        postgres = self._stack.postgres_pid
        used = sum(proc.cpu_seconds_with_children(pid) for pid in [postgres, *proc.descendants(postgres)])
        self._cpu.setdefault('Postgres', Samples()).add(time.time(), used)
        _, lag = self._stack.backlog()
        self._lag.add(time.time(), lag)
        self._rewrites.add(time.time(), self._stack.redis.is_rewriting())
        self._machine.add(time.time(), quiet.machine()[1] / proc.TICKS)

    def cores(self, begin, end):
        """By process: 1 is all of one core."""
        return {name: (samples.at(end) - samples.at(begin)) / (end - begin) for name, samples in self._cpu.items()}

    def all_cores(self, begin, end):
        """In use by anything: a rewrite of the append-only file, the kernel's threads and what measures are of no process above."""
        return (self._machine.at(end) - self._machine.at(begin)) / (end - begin)

    def second(self, begin, end):
        """What a row of the table of seconds tells: cores of each process and of all; whether Redis rewrote its file meanwhile."""
        return {**self.cores(begin, end), IN_USE: self.all_cores(begin, end), REWRITES: max(self._rewrites.within(begin, end), default=0)}

    def lags(self, begin, end):
        """Seconds."""
        return self._lag.within(begin, end)

    def memory(self, name, moment):
        """Bytes."""
        return self._memory[name].at(moment)
