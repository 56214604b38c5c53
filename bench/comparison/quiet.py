"""Looks whether the machine has other work. The figures of a side that shared it with a compiler would mean nothing."""

import os
import time

from . import proc

SAMPLE_SECONDS = 0.25
PATIENCE_SECONDS = 15
BUSY = 0.15  # of all processors; idle servers and this program use less
DISTURBED = 0.1  # of all processors during a run


def machine():
    """Ticks of all processors since the machine's start: all of them, and those in which something ran (proc(5), /proc/stat)."""
    with open('/proc/stat', encoding='ascii') as file:
        user, nice, system, idle, waiting, interrupts, soft, stolen = map(int, file.readline().split()[1:9])
    busy = user + nice + system + interrupts + soft + stolen
    return busy + idle + waiting, busy


def own():
    """Ticks of this program and of all programs that it has started, also of those that have ended."""
    return sum(proc.cpu_seconds_with_children(pid) for pid in [os.getpid(), *proc.descendants(os.getpid())]) * proc.TICKS


class Quiet:
    """Waits for a quiet machine before each run, and sees how much of it others used during the run."""

    def __init__(self):
        self._shares = []

    def wait(self):
        """Returns when nothing else runs, or after a while in any case."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._busy() > BUSY and time.monotonic() < deadline:
            pass
        self._before = (*machine(), own())

    def ended(self):
        """Whether the run had the machine to itself."""
        everything, busy, ours = (now - before for now, before in zip((*machine(), own()), self._before))
        self._shares.append(max(0, busy - ours) / max(1, everything))
        return self._shares[-1] <= DISTURBED

    @staticmethod
    def _busy():
        before = machine()
        time.sleep(SAMPLE_SECONDS)
        after = machine()
        return (after[1] - before[1]) / max(1, after[0] - before[0])

    def told(self):
        disturbed = sum(share > DISTURBED for share in self._shares)
        return (f'in {disturbed} of {len(self._shares)} runs, programs that do not belong here had more than {DISTURBED:.0%} of the '
                f'processors, {max(self._shares, default=0):.0%} at most; rounds of a side that were disturbed are left out where '
                'there are others')
