"""The speed of each durability mode, with the same server and sale in turns."""

from . import load
from .arena import REDEEM, Arena
from .failure import Discarded, Failure
from .measure import Costs, in_turn, record
from .stack import Stack

TABLE = 'durability modes'
RELAXED, LOCAL, LEDGER = 'relaxed', 'local', 'ledger'
# An answer of mode local waits for the disk, together with all that Redis decided in the same turn. That is more if more users ask at
# once.
CROWD = 1024
RELAXED_CROWD, LOCAL_CROWD = (f'{mode}, {CROWD:,} connections' for mode in (RELAXED, LOCAL))
SIDES = {
    RELAXED: (RELAXED, load.CONNECTIONS), LOCAL: (LOCAL, load.CONNECTIONS), LEDGER: (LEDGER, load.CONNECTIONS),
    RELAXED_CROWD: (RELAXED, CROWD), LOCAL_CROWD: (LOCAL, CROWD),
}


def run(context):
    sizes, results = context.sizes, context.results
    with Stack(context, 'modes') as stack:
        stack.start_sync()
        arena = Arena(context, stack)
        sides = [side for side in SIDES if side != LEDGER or offers_ledger(context, stack)]
        results.order(TABLE, sides)
        for turn in range(sizes.short_rounds + 1):
            count = sizes.redemptions if turn else sizes.redemptions // 10
            context.say(f'modes, round {turn} of {sizes.short_rounds}: making users')
            tokens = stack.seed(count * len(sides), f'modes-{turn}')
            files = {side: arena.requests(REDEEM, tokens[number * count:(number + 1) * count], f'modes-{turn}', f'requests-{number}')
                     for number, side in enumerate(sides)}
            stack.settle()
            for side in in_turn(sides, turn):
                mode, connections = SIDES[side]
                # An answer of mode ledger waits for Postgres, and so for the worker. The other modes need no worker.
                stack.start_sync() if mode == LEDGER else stack.stop_sync()
                server = stack.serve(mode)
                try:
                    with Costs(stack, count, server.pids) as costs:
                        measured = load.with_bench(context, server.url, files[side], connections=connections)
                except Discarded as discarded:
                    context.discard(TABLE, side, turn, discarded)
                    continue
                finally:
                    stack.stop_server(server)
                if turn:
                    record(results, TABLE, side, turn, measured, costs)
                context.progress(TABLE, side, turn, measured, costs)
        stack.reconcile()


def offers_ledger(context, stack):
    try:
        stack.stop_server(stack.serve(LEDGER))
        return True
    except Failure as failure:
        if 'REDEEM_DURABILITY' not in str(failure):
            raise
        context.results.note('ledger', f'durability {LEDGER}: this server does not offer it, so it was not measured')
        return False
