"""The speed that Redeem is to reach: each line with its bar, what was measured, and whether that is enough. No I/O."""

from dataclasses import dataclass

from . import ceiling, drain, generator, latency, memory, modes, rounds, storm, together
from .arena import PEERS, REDEEM
from .measure import P99, RATE, REDIS, SCRIPT, SERVER


@dataclass(frozen=True)
class Bar:
    what: str
    bar: float
    goal: float  # beyond the bar; the same where there is none
    unit: str
    measured: float
    more: str = ''
    at_most: bool = False
    slack: float = 1  # the part of the bar that is enough

    def reaches(self, limit):
        return self.measured <= limit if self.at_most else self.measured >= limit * self.slack

    @property
    def met(self):
        return self.reaches(self.bar)

    @property
    def verdict(self):
        if not self.met:
            return 'missed'
        return 'met, and the goal' if self.goal != self.bar and self.reaches(self.goal) else 'met'

    @property
    def cells(self):
        sign = '≤' if self.at_most else '≥'
        goal = f'{sign} {limit(self.goal)}{self.unit}' if self.goal != self.bar else ''
        return [self.what, f'{sign} {limit(self.bar)}{self.unit}', goal, f'{number(self.measured)}{self.unit}{self.more}', self.verdict]


def number(value):
    return f'{value:,.0f}' if abs(value) >= 100 else f'{value:.1f}' if abs(value) >= 10 else f'{value:.2f}'


def limit(value):
    """Round numbers as they were set; others are measured."""
    return f'{value:,g}' if round(value, 2) == value else number(value)


def bars(results):
    """Those of what was measured."""
    found = []

    def ratio(what, left, right, bar, goal):
        ratio = results.ratio(left, right)
        if ratio:
            spread = f' ({ratio.least:.2f} to {ratio.greatest:.2f})'
            found.append(Bar(what, bar, goal, '×', ratio.median, spread + disturbed(results, left, right)))

    def figure(what, table, row, column, bar, goal, unit, at_most=True):
        value = results.median(table, row, column)
        if value is not None:
            found.append(Bar(what, bar, goal, unit, value, disturbed(results, (table, row, column)), at_most))

    for table, by in ((rounds.BENCH, 'redeem bench'), (rounds.WRK, 'wrk')):
        better = results.best(table, PEERS, RATE)
        if better:
            ratio(f'redemptions/s over HTTP against the better peer, {better}, driven by {by}', (table, REDEEM, RATE),
                  (table, better, RATE), 1.5, 2)
    faster = results.best(latency.TABLE, PEERS, P99, of=min)
    if faster:
        figure(f'p99 at {latency.PART:.0%} of the peers\' rate; the bar is that of {faster}', latency.TABLE, REDEEM, P99,
               results.median(latency.TABLE, faster, P99), results.median(latency.TABLE, faster, P99) / 2, ' ms')
    figure('processor time of the server, a redemption', rounds.BENCH, REDEEM, SERVER, 18, 12, ' µs')
    figure('Redis, a redemption under load, in scripts (cmdstat_evalsha)', rounds.BENCH, REDEEM, SCRIPT, 8, 6, ' µs')
    figure('Redis, a redemption under load, the process', rounds.BENCH, REDEEM, REDIS, 8, 6, ' µs')
    ratio('redemptions/s over HTTP against redis-benchmark -P 16 of the one-call script', (rounds.BENCH, REDEEM, RATE),
          (rounds.CEILING, ceiling.ROW, RATE), 0.7, 1)
    ratio('sold_out answers/s against redemptions/s', (storm.TABLE, storm.STORM, RATE), (storm.TABLE, storm.SALE, RATE), 1.3, 2)
    ratio('redemptions/s in mode local against relaxed', (modes.TABLE, modes.LOCAL, RATE), (modes.TABLE, modes.RELAXED, RATE), 0.8, 0.95)
    figure('drain of a backlog into Postgres', drain.TABLE, drain.ROW, drain.ROWS, 60_000, 100_000, ' rows/s', at_most=False)
    found += of_together(results)
    for row in results.rows(memory.SERVER):
        if memory.IDLE in row:
            figure(f'memory of the server with {row}', memory.SERVER, row, memory.MEGABYTES, 200, 200, ' MB')
    figure('Redis, a user with one redemption, without sessions', memory.REDIS, memory.HASH, memory.BYTES, 350, 350, ' bytes')
    ratio('requests/s of the load generator against wrk -t1', (generator.TABLE, generator.BENCH, RATE),
          (generator.TABLE, generator.WRK, RATE), 0.9, 0.9)
    return found


def disturbed(results, *places):
    return '' if all(results.is_clean(*place) for place in places) else ', disturbed'


def of_together(results):
    def value(column):
        return results.median(together.TABLE, together.ROW, column)

    asked = value('asked for/s')
    if asked is None:
        return []
    more = disturbed(results, (together.TABLE, together.ROW, RATE))
    growth = value('server MB at end') / value('server MB at start')
    # Where the measured time is cut off, up to 1 of 200 answers is not in it.
    return [
        Bar('everything at once: redemptions/s', 15_000, 25_000, '', value(RATE), f' of {asked:,.0f} asked for{more}', slack=0.995),
        Bar('everything at once: p99', 50, 50, ' ms', value(P99), more, at_most=True),
        Bar('everything at once: sync lag at most', 2, 2, ' s', value('lag at most s'), more, at_most=True),
        Bar('everything at once: memory of the server, end against start', 1.1, 1.1, '×', growth, at_most=True),
    ]
