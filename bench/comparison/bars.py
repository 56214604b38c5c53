"""The bars that Redeem must reach: each line has a bar, the figure that was measured, and whether that is enough. No I/O."""

from dataclasses import dataclass

from . import ceiling, drain, generator, latency, memory, modes, rounds, storm, sweep, together
from .arena import PEERS, REDEEM, WEBDIS
from .measure import P99, RATE, REDIS, SERVER


@dataclass(frozen=True)
class Bar:
    what: str
    bar: float | None  # `None`: the figure has no bar
    goal: float | None  # a goal beyond the bar; equal to the bar if there is none
    unit: str
    measured: float
    more: str = ''
    at_most: bool = False
    slack: float = 1  # the share of the bar that is enough

    def reaches(self, limit):
        return limit is None or (self.measured <= limit if self.at_most else self.measured >= limit * self.slack)

    @property
    def met(self):
        return self.reaches(self.bar)

    @property
    def verdict(self):
        if self.bar is None:
            return ''
        if not self.met:
            return 'missed'
        return 'met, and the goal' if self.goal != self.bar and self.reaches(self.goal) else 'met'

    @property
    def cells(self):
        sign = '≤' if self.at_most else '≥'
        bar = '' if self.bar is None else f'{sign} {limit(self.bar)}{self.unit}'
        goal = f'{sign} {limit(self.goal)}{self.unit}' if self.goal != self.bar else ''
        return [self.what, bar, goal, f'{number(self.measured)}{self.unit}{self.more}', self.verdict]


def number(value):
    return f'{value:,.0f}' if abs(value) >= 100 else f'{value:.1f}' if abs(value) >= 10 else f'{value:.2f}'


def limit(value):
    """The text of a bar. Round ones were set; the others are measured."""
    return f'{value:,g}' if round(value, 2) == value else number(value)


def told(ratio, bar, at_most):
    """The least and the greatest ratio, and how many rounds reached the bar. They show how much luck there was."""
    reached = sum(value <= bar if at_most else value >= bar for value in ratio.values)
    of = len(ratio.values)
    rounds_said = '1 round' if of == 1 else f'the bar is reached in {"all " if reached == of else f"{reached} of "}{of} rounds'
    return f' ({ratio.least:.2f} to {ratio.greatest:.2f}; {rounds_said})' + ('' if ratio.clean else ', disturbed')


def bars(results):
    """The lines of all figures that were measured."""
    found = []

    def ratio(what, left, right, bar, goal, at_most=False):
        ratio = results.ratio(left, right)
        if ratio:
            found.append(Bar(what, bar, goal, '×', ratio.median, told(ratio, bar, at_most), at_most))

    def figure(what, table, row, column, bar, goal, unit, at_most=True):
        value = results.median(table, row, column)
        if value is not None:
            found.append(Bar(what, bar, goal, unit, value, disturbed(results, (table, row, column)), at_most))

    def against_peers(table, connections, by, bar, goal):
        better = results.best(table, PEERS, RATE)
        if better:
            ratio(f'redemptions/s over HTTP, {connections:,} connections, against the better peer, {better}, driven by {by}',
                  (table, REDEEM, RATE), (table, better, RATE), bar, goal)

    for table, by in ((rounds.BENCH, sweep.BENCH), (rounds.WRK, sweep.WRK)):
        against_peers(table, 64, by, 1.5, 2)
    for connections in (16, 256, 1024):
        for by in sweep.DRIVES:
            against_peers(sweep.table(connections, by), connections, by, 1.3, 1.8)
    found += before(results)
    faster = results.best(latency.TABLE, PEERS, P99, of=min)
    if faster:
        ratio(f'p99 at {latency.PART:.0%} of the better peer\'s rate, against that of {faster}', (latency.TABLE, REDEEM, P99),
              (latency.TABLE, faster, P99), 1, 0.5, at_most=True)
    ratio(f'processor time of the server a redemption, against {WEBDIS}\'s own', (rounds.BENCH, REDEEM, SERVER),
          (rounds.BENCH, WEBDIS, SERVER), 0.75, 0.6, at_most=True)
    ratio(f'processor time of Redis a redemption, against what {WEBDIS}\'s takes with one call each', (rounds.BENCH, REDEEM, REDIS),
          (rounds.BENCH, WEBDIS, REDIS), 0.33, 0.25, at_most=True)
    found += of_one_core(results)
    ratio('redemptions/s over HTTP against redis-benchmark -P 16 of the one-call script', (rounds.BENCH, REDEEM, RATE),
          (rounds.CEILING, ceiling.ROW, RATE), 1, 1.3)
    ratio('sold_out answers/s against redemptions/s, with keys', (storm.TABLE, storm.ASKED, RATE), (storm.TABLE, storm.SALE, RATE),
          1.5, 2)
    for connections, local, relaxed in ((64, modes.LOCAL, modes.RELAXED), (modes.CROWD, modes.LOCAL_CROWD, modes.RELAXED_CROWD)):
        ratio(f'redemptions/s in mode local against relaxed, {connections:,} connections', (modes.TABLE, local, RATE),
              (modes.TABLE, relaxed, RATE), 0.9, 0.95)
    figure('drain of a backlog into Postgres', drain.TABLE, drain.ROW, drain.ROWS, 80_000, 110_000, ' rows/s', at_most=False)
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


def before(results):
    """The line of the number of connections at which this Redeem is slowest, compared with the earlier one."""
    bar, ratios = 0.97, {}
    for connections in sweep.CONNECTIONS:
        table = sweep.table(connections, sweep.BENCH)
        ratio = results.ratio((table, REDEEM, RATE), (table, sweep.BEFORE, RATE))
        if ratio:
            ratios[connections] = ratio
    if not ratios:
        return []
    worst = min(ratios, key=lambda connections: ratios[connections].median)
    more = f' at {worst:,}{told(ratios[worst], bar, False)}'
    return [Bar('no number of connections slower than before', bar, bar, '×', ratios[worst].median, more)]


def of_one_core(results):
    """The lines about one core of Redis, which limits a shard on a machine with many cores."""
    found = []
    for connections, table in ((64, rounds.BENCH), (1024, sweep.table(1024, sweep.BENCH))):
        used, theirs = results.median(table, REDEEM, REDIS), results.median(table, WEBDIS, REDIS)
        if used:
            more = f'; {number(1e6 / theirs)} with one call each ({WEBDIS})' if theirs else ''
            found.append(Bar(f'redemptions/s that one core of Redis can decide, {connections:,} connections', None, None, '/s',
                             1e6 / used, more + disturbed(results, (table, REDEEM, REDIS))))
    return found


def of_together(results):
    def value(row, column):
        return results.median(together.TABLE, row, column)

    found = []
    cores = value(together.HIGHEST, together.CORES)
    if cores is not None:
        found.append(Bar('everything at once, highest sustained rate: cores in use', 90, 90, ' %', 100 * cores,
                         f' at {number(value(together.HIGHEST, RATE))}/s' + disturbed(results, (together.TABLE, together.HIGHEST, RATE))))
    asked = value(together.RUN, together.ASKED)
    if asked is None:
        return found
    more = disturbed(results, (together.TABLE, together.RUN, RATE))
    share = value(together.RUN, together.SHARE)
    at = f'everything at once, {share:.0%} of that' if share else 'everything at once'
    slowest = max(results.rows(together.SECONDS), key=lambda row: results.median(together.SECONDS, row, together.MAX) or 0)
    growth = value(together.RUN, 'server MB at end') / value(together.RUN, 'server MB at start')
    # Up to 1 of 200 answers may come after the end of the measured time.
    return found + [
        Bar(f'{at}: redemptions/s, of {number(asked)} asked for', 1, 1, '×', value(together.RUN, RATE) / asked, more, slack=0.995),
        Bar(f'{at}: p99', 50, 50, ' ms', value(together.RUN, P99), more, at_most=True),
        Bar(f'{at}: slowest answer of any second', 200, 200, ' ms', results.median(together.SECONDS, slowest, together.MAX),
            f' in second {slowest}{more}', at_most=True),
        Bar(f'{at}: sync lag at most', 2, 2, ' s', value(together.RUN, together.LAG), more, at_most=True),
        Bar(f'{at}: memory of the server, end against start', 1.1, 1.1, '×', growth, at_most=True),
    ]
