"""Redeem beside each of the others: the median, the least and the greatest ratio of single rounds, and whether all rounds agree.
No I/O."""

from . import ceiling, generator, latency, modes, rounds, storm, sweep
from .arena import PEERS, REDEEM
from .bars import number
from .measure import P99, RATE, REDIS, SERVER

HEAD = ['', 'median', 'least', 'greatest', 'than 1']


def wanted():
    """The pairs: (text, left, right), where each side is a (table, row, column)."""
    for table in (rounds.BENCH, rounds.WRK):
        for peer in PEERS:
            yield f'{table}: Redeem / {peer}', (table, REDEEM, RATE), (table, peer, RATE)
    for column in (SERVER, REDIS):
        for peer in PEERS:
            yield f'{column}: Redeem / {peer}', (rounds.BENCH, REDEEM, column), (rounds.BENCH, peer, column)
    for by in sweep.DRIVES:
        for connections in sweep.CONNECTIONS:
            table = sweep.table(connections, by)
            for other in (*PEERS, sweep.BEFORE):
                yield f'{table}: Redeem / {other}', (table, REDEEM, RATE), (table, other, RATE)
    yield 'redeem bench / redis-benchmark -P 16', (rounds.BENCH, REDEEM, RATE), (rounds.CEILING, ceiling.ROW, RATE)
    for peer in PEERS:
        yield f'p99 at the same rate: Redeem / {peer}', (latency.TABLE, REDEEM, P99), (latency.TABLE, peer, P99)
    for row in (storm.ASKED, storm.STORM):
        yield f'{row} / redemptions', (storm.TABLE, row, RATE), (storm.TABLE, storm.SALE, RATE)
    for side, relaxed in ((modes.LOCAL, modes.RELAXED), (modes.LEDGER, modes.RELAXED), (modes.LOCAL_CROWD, modes.RELAXED_CROWD)):
        yield f'mode {side} / {modes.RELAXED}', (modes.TABLE, side, RATE), (modes.TABLE, relaxed, RATE)
    yield f'{generator.BENCH} / {generator.WRK}', (generator.TABLE, generator.BENCH, RATE), (generator.TABLE, generator.WRK, RATE)


def grid(results):
    rows = []
    for text, left, right in wanted():
        ratio = results.ratio(left, right)
        if ratio:
            rows.append([text, number(ratio.median), number(ratio.least), number(ratio.greatest),
                         ratio.sign() + ('' if ratio.clean else ', disturbed')])
    return HEAD, rows
