"""A sale that is sold out: the rate of answers to those who come too late, beside the same server's rate of redemptions."""

from . import load
from .arena import REDEEM, Arena
from .failure import Discarded
from .measure import Costs, in_turn, record
from .stack import PRICE, Stack

TABLE = 'sold out, beside redemptions'
SALE = 'redemptions, requests with a key'
STORM = 'sold_out answers, from memory'
# A request with an Idempotency-Key may repeat one that was accepted, so the server asks Redis.
ASKED = 'sold_out answers to requests with a key, from Redis'
STOCK = 100  # far fewer than users


def run(context):
    sizes, results = context.sizes, context.results
    with Stack(context, 'storm') as stack:
        stack.start_sync()
        server = stack.serve('relaxed')
        arena = Arena(context, stack)
        results.order(TABLE, [SALE, STORM, ASKED])
        for turn in range(1, sizes.short_rounds + 1):
            context.say(f'storm, round {turn} of {sizes.short_rounds}: making users')
            # Each user has credit for both coupons.
            tokens = stack.seed(sizes.redemptions, f'sale-{turn}', 2 * PRICE)
            stack.coupon(f'storm-{turn}', STOCK)
            file = arena.requests(REDEEM, tokens, f'sale-{turn}', 'requests', keys=True)
            stack.settle()
            for side in in_turn([SALE, STORM, ASKED], turn):
                try:
                    measured = sale(context, stack, server, file) if side == SALE else storm(context, stack, server, turn, side)
                except Discarded as discarded:
                    context.discard(TABLE, side, turn, discarded)
                    continue
                record(results, TABLE, side, turn, *measured)
                context.progress(TABLE, side, turn, *measured)
        stack.reconcile()


def sale(context, stack, server, file):
    with Costs(stack, file.count, server.pids) as costs:
        run = load.with_bench(context, server.url, file)
    return run, costs


def storm(context, stack, server, turn, side):
    """Lets random users ask again and again. The expected answers are sold_out, and already_redeemed for a few."""
    seconds = context.sizes.storm_seconds
    with Costs(stack, 1, server.pids) as costs:
        run = load.run_bench(context, [
            'storm', '--url', server.url, '--tokens', f'{stack.folder}/tokens', '--coupon', f'storm-{turn}',
            '--code', stack.code(f'storm-{turn}'), '--closed', '--duration', f'{seconds}s', '--warmup', '0s',
            *([] if side == ASKED else ['--no-idempotency-keys'])])
    for name in ('server', 'redis', 'script'):
        setattr(costs, name, getattr(costs, name) / run.requests)
    return run, costs
