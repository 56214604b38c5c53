"""The load generator's own processor time: `redeem bench --closed` beside `wrk -t1`, with the same redemptions on the same server."""

from . import load
from .failure import Discarded
from .measure import in_turn, record
from .stack import Stack

TABLE = 'load generators'
BENCH, WRK = 'redeem bench --closed', 'wrk -t1'


def run(context):
    sizes = context.sizes
    with Stack(context, 'generator') as stack:
        stack.start_sync()
        server = stack.serve('relaxed')
        context.results.order(TABLE, [BENCH, WRK])
        for turn in range(sizes.short_rounds + 1):
            count = sizes.redemptions if turn else sizes.redemptions // 10
            context.say(f'generators, round {turn} of {sizes.short_rounds}: making users')
            coupon = f'generator-{turn}'
            tokens = stack.seed(2 * count, coupon)
            stack.settle()
            sides = [(BENCH, tokens[:count]), (WRK, tokens[count:])]
            for side, mine in in_turn(sides, turn):
                file = f'{stack.folder}/tokens-of-one'
                with open(file, 'w', encoding='ascii') as lines:
                    lines.write('\n'.join(mine) + '\n')
                context.quiet.wait()
                try:
                    measured = drive(context, side, server.url, file, coupon, stack.code(coupon), count)
                    clean = context.quiet.ended()
                except Discarded as discarded:
                    context.discard(TABLE, side, turn, discarded)
                    continue
                if turn:
                    record(context.results, TABLE, side, turn, measured, None, clean)
                context.progress(TABLE, side, turn, measured, None)
        stack.reconcile()


def drive(context, side, url, file, coupon, code, count):
    if side == WRK:
        environment = {'REDEEM_TOKENS': file, 'REDEEM_COUPON': coupon, 'REDEEM_CODE': code}
        return load.run_wrk(context, url, 'redemptions.lua', count, '201', environment)
    # wrk sends no Idempotency-Key either.
    return load.run_bench(context, [
        'redeem', '--url', url, '--tokens', file, '--coupon', coupon, '--code', code, '--closed', '--no-idempotency-keys',
        '--duration', f'{load.LIMIT_SECONDS}s', '--warmup', '0s'])
