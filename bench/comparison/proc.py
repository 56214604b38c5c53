"""The processor time and memory of processes, from /proc."""

import glob
import os

TICKS = os.sysconf('SC_CLK_TCK')


def cpu_seconds(pids):
    """Processor time of the living threads of some processes, as the scheduler counts it (nanoseconds)."""
    total = 0
    for pid in pids:
        for path in glob.glob(f'/proc/{pid}/task/*/schedstat'):
            with open(path, encoding='ascii') as file:
                total += int(file.read().split()[0])
    return total / 1e9


def cpu_seconds_with_children(pid):
    """Processor time of a process and of its children that have ended (fields 14 to 17 of proc(5)), in ticks of 10 ms."""
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as file:
            fields = file.read().rpartition(')')[2].split()
    except OSError:
        return 0
    return sum(int(field) for field in fields[11:15]) / TICKS


def resident_bytes(pid):
    with open(f'/proc/{pid}/status', encoding='utf-8', errors='replace') as file:
        for line in file:
            if line.startswith('VmRSS:'):
                return int(line.split()[1]) * 1024
    return 0


def command_line(pid):
    try:
        with open(f'/proc/{pid}/cmdline', 'rb') as file:
            return [part.decode(errors='replace') for part in file.read().split(b'\0')[:-1]]
    except OSError:
        return []


def name(pid):
    with open(f'/proc/{pid}/comm', encoding='utf-8', errors='replace') as file:
        return file.read().strip()


def children(pid):
    found = []
    for path in glob.glob(f'/proc/{pid}/task/*/children'):
        try:
            with open(path, encoding='ascii') as file:
                found += [int(word) for word in file.read().split()]
        except OSError:
            pass
    return found


def descendants(pid):
    """The children of processes, their children, and so on, with parents first."""
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found
