"""What each durability mode costs: the same server and sale, in turns."""

from . import load
from .arena import REDEEM, Arena
from .failure import Discarded, Failure
from .measure import Costs, in_turn, record
from .stack import Stack

TABLE = 'durability modes'
RELAXED, LOCAL, LEDGER = 'relaxed', 'local', 'ledger'


def run(context):
    sizes, results = context.sizes, context.results
    with Stack(context, 'modes') as stack:
        stack.start_sync()
        arena = Arena(context, stack)
        modes = [RELAXED, LOCAL] + ([LEDGER] if offers_ledger(context, stack) else [])
        results.order(TABLE, modes)
        for turn in range(sizes.short_rounds + 1):
            count = sizes.redemptions if turn else sizes.redemptions // 10
            context.say(f'modes, round {turn} of {sizes.short_rounds}: making users')
            tokens = stack.seed(count * len(modes), f'modes-{turn}')
            files = {mode: arena.requests(REDEEM, tokens[number * count:(number + 1) * count], f'modes-{turn}', f'requests-{number}')
                     for number, mode in enumerate(modes)}
            stack.settle()
            for mode in in_turn(modes, turn):
                # An answer of the mode ledger waits for Postgres, and so for the worker; the others need none.
                stack.start_sync() if mode == LEDGER else stack.stop_sync()
                server = stack.serve(mode)
                try:
                    with Costs(stack, count, server.pids) as costs:
                        measured = load.with_bench(context, server.url, files[mode])
                except Discarded as discarded:
                    context.discard(TABLE, mode, turn, discarded)
                    continue
                finally:
                    stack.stop_server(server)
                if turn:
                    record(results, TABLE, mode, turn, measured, costs)
                context.progress(TABLE, mode, turn, measured, costs)
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
