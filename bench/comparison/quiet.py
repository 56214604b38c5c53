"""Whether the machine has other things to do: a side that shares it with a compiler says nothing."""

import time

SAMPLE_SECONDS = 0.25
BUSY = 0.15  # of all processors; what idle servers and this program use is below it
PATIENCE_SECONDS = 15


def ticks():
    """Since the machine was started: all, idle, and what its host kept for others (proc(5), /proc/stat)."""
    with open('/proc/stat', encoding='ascii') as file:
        user, nice, system, idle, waiting, interrupts, soft, stolen = map(int, file.readline().split()[1:9])
    return user + nice + system + idle + waiting + interrupts + soft + stolen, idle + waiting, stolen


class Quiet:
    def __init__(self):
        self.looks = self.disturbed = 0
        self._began = ticks()

    def wait(self):
        """Returns when nothing else runs; goes on all the same after a while, and counts that."""
        self.looks += 1
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._busy() > BUSY:
            if time.monotonic() > deadline:
                self.disturbed += 1
                return

    @staticmethod
    def _busy():
        before = ticks()
        time.sleep(SAMPLE_SECONDS)
        after = ticks()
        return 1 - (after[1] - before[1]) / max(1, after[0] - before[0])

    def told(self):
        now = ticks()
        stolen = (now[2] - self._began[2]) / max(1, now[0] - self._began[0])
        return (f'the machine was busy with other things before {self.disturbed} of {self.looks} runs; its host gave {stolen:.1%} of '
                'its processors to others')
