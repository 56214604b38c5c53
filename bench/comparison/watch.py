"""Samples of the processor time, the memory and the backlog of a run's processes, and values for any time between the samples."""

import bisect
import time

from . import proc, quiet

SAMPLE_SECONDS = 0.25
# Columns in addition to one for each process.
IN_USE, REWRITES = 'cores in use', 'rewrite'


class Samples:
    """Values that were read at certain moments. Between two moments the value is taken to change evenly. No I/O."""

    def __init__(self):
        self._moments, self._values = [], []

    def add(self, moment, value):
        self._moments.append(moment)
        self._values.append(value)

    def add_growing(self, moment, value):
        """Adds a value that never gets less. If it does, the process has ended or is about to, and the value is left out."""
        if not self._values or value >= self._values[-1]:
            self.add(moment, value)

    def at(self, moment):
        """The value at a moment. Before the first sample it is the first one, and after the last the last one."""
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
    """Watches the generator, the server, Redis, the sync worker and Postgres."""

    def __init__(self, stack, server):
        self._stack = stack
        self._pids = {'server': server.process.pid, 'Redis': stack.redis_pid, 'sync': stack.sync_pid}
        self._cpu, self._memory, self._lag, self._machine, self._rewrites = {}, {}, Samples(), Samples(), Samples()

    def look(self, generator):
        for name, pid in {'generator': generator.pid, **self._pids}.items():
            # The generator's threads end one after the other between two looks. Their processor time is then unknown.
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
        """The cores that each process used: 1 is all of one core."""
        return {name: (samples.at(end) - samples.at(begin)) / (end - begin) for name, samples in self._cpu.items()}

    def all_cores(self, begin, end):
        """The cores in use by anything, with a rewrite of the append-only file, the kernel's threads and the measuring program."""
        return (self._machine.at(end) - self._machine.at(begin)) / (end - begin)

    def second(self, begin, end):
        """A row of the table of seconds: the cores of each process and of all, and whether Redis rewrote its file meanwhile."""
        return {**self.cores(begin, end), IN_USE: self.all_cores(begin, end), REWRITES: max(self._rewrites.within(begin, end), default=0)}

    def lags(self, begin, end):
        """How far the sync worker was behind, in seconds."""
        return self._lag.within(begin, end)

    def memory(self, name, moment):
        """A process's memory at a moment, in bytes."""
        return self._memory[name].at(moment)
