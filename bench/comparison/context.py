"""The state that all sections share: the program, a folder, sizes, and the results so far."""

import os
import sys
import time
from dataclasses import dataclass

from .processes import Processes
from .quiet import Quiet
from .results import Results


@dataclass(frozen=True)
class Sizes:
    redemptions: int  # of each side in a round
    ceiling_users: int  # that redis-benchmark draws from
    postgres_users: int  # that pgbench draws from
    postgres_seconds: int
    latency_seconds: int  # after a second of warm-up
    latency_rounds: int
    storm_seconds: int
    short_rounds: int  # of storm, modes, generator
    backlog: int  # rows that drain carries
    together_seconds: int
    search_seconds: int  # of one rate that together tries
    search_users: int
    memory_users: int
    idle_connections: int


FULL = Sizes(40_000, 1_000_000, 500_000, 5, 4, 5, 3, 5, 1_000_000, 60, 10, 500_000, 100_000, 10_000)
QUICK = Sizes(20_000, 200_000, 100_000, 2, 2, 1, 1, 2, 200_000, 10, 5, 200_000, 20_000, 10_000)


class Context:
    def __init__(self, redeem, folder, rounds, sizes, together_rate=None, before=None):
        """`before`: a built `redeem` of an earlier commit."""
        self.redeem, self.folder, self.rounds, self.sizes, self.together_rate = redeem, folder, rounds, sizes, together_rate
        self.before = before
        self.processes = Processes(folder)
        self.results = Results()
        self.failures = []
        self.quiet = Quiet()
        self._began = time.monotonic()

    def say(self, text):
        """Shows progress to those who wait."""
        if sys.stderr.isatty():
            width = os.get_terminal_size(2).columns - 1
            print(f'\r\x1b[K{text[:width]}', end='', file=sys.stderr, flush=True)
        elif text:
            print(f'{time.monotonic() - self._began:6.1f} s  {text}', file=sys.stderr, flush=True)

    def progress(self, table, row, turn, run, costs=None):
        text = f'{"round " + str(turn) if turn else "warm-up"}: {row}, {table}: {run.rate:,.0f}/s, p99 {run.p99:.1f} ms'
        parts = [f'{name} {value:.1f} µs' for name, value in
                 (('server', costs.server), ('Redis', costs.redis), ('script', costs.script)) if value is not None] if costs else []
        self.say(', '.join([text] + parts))

    def discard(self, table, row, turn, reason):
        """Tells of a round that does not count. Otherwise nobody would know that the others were lucky."""
        self.fail(f'round {turn} of {row} ({table}) does not count: {reason}')

    def fail(self, text):
        """Shows the whole text to those who wait, and puts its beginning into the report."""
        self.say(text)
        self.failures.append(text.partition('\n')[0])
