"""Redemptions a second of all sides in turns: Redeem and its peers over HTTP, by `redeem bench` and by wrk; redis-benchmark, which
shows the limit if each redemption is a script call; and Postgres alone."""

import contextlib

from . import ceiling, load, postgres
from .arena import REDEEM, SIDES, Arena
from .failure import Discarded
from .measure import in_turn, record
from .stack import Stack

BENCH, WRK = 'redemptions over HTTP, by redeem bench', 'redemptions over HTTP, by wrk'
CEILING, POSTGRES = 'one script call a redemption', 'Postgres alone'


def run(context, names):
    """`names`: the ones of the sections rates, redis-benchmark and postgres that are wanted."""
    sizes, results = context.sizes, context.results
    with contextlib.ExitStack() as stacks:
        limit = stacks.enter_context(ceiling.Ceiling(context, context.rounds)) if 'redis-benchmark' in names else None
        stack = stacks.enter_context(Stack(context, 'rates'))
        arena = Arena(context, stack).open()
        turns = [(BENCH, side) for side in SIDES] + [(WRK, side) for side in SIDES]
        if 'rates' not in names:
            turns = [(BENCH, REDEEM)] if 'redis-benchmark' in names else []
        http = list(turns)
        if limit:
            turns.append((CEILING, ceiling.ROW))
        if 'postgres' in names:
            peer = postgres.Peer(context, stack)
            turns.append((POSTGRES, postgres.ROW))
        for table, row in turns:
            results.order(table, [row])
        drives = {BENCH: lambda *target: load.with_bench(context, *target), WRK: lambda *target: load.with_wrk(context, *target)}

        # Round 0 is small. It warms up, and does not count.
        for turn in range(context.rounds + 1):
            count = sizes.redemptions if turn else sizes.redemptions // 10
            context.say(f'round {turn} of {context.rounds}: making users')
            coupon = f'rates-{turn}'
            tokens = stack.seed(count * len(http), coupon) if http else []
            files = {
                place: arena.requests(place[1], tokens[number * count:(number + 1) * count], coupon, f'requests-{number}')
                for number, place in enumerate(http)}
            # No worker runs while a side is measured, since the peers have none.
            stack.settle()
            for table, row in in_turn(turns, turn):
                try:
                    if table == CEILING:
                        measured = limit.run(turn, count)
                    elif table == POSTGRES:
                        measured = peer.run(sizes.postgres_seconds if turn else 1)
                    else:
                        measured = arena.run(row, files[table, row], drives[table])
                except Discarded as discarded:
                    context.discard(table, row, turn, discarded)
                    continue
                if turn:
                    record(results, table, row, turn, *measured)
                context.progress(table, row, turn, *measured)
        arena.close()
        stack.reconcile()
