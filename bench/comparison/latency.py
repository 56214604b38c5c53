"""Latency of each side at the same rate, by an open loop. It counts from the intended start of each request."""

from . import load
from .arena import PEERS, SIDES, Arena
from .failure import Discarded, Failure
from .measure import P50, P99, RATE, in_turn
from .rounds import BENCH
from .stack import Stack

TABLE = 'latency at the same rate'
PART = 0.7  # of the better peer's highest rate
WARMUP_SECONDS = 1


def run(context):
    results, sizes = context.results, context.sizes
    better = results.best(BENCH, PEERS, RATE)
    if better is None:
        raise Failure('latency needs the rates of this run, and there are none')
    rate = round(PART * results.median(BENCH, better, RATE), -2)
    results.note('latency', f'latency: {rate:,.0f} requests a second to each side, {PART:.0%} of what {better} answered at most in '
                 f'this run, {sizes.latency_seconds} s after {WARMUP_SECONDS} s of warm-up, evenly spaced; the generator, redeem bench, '
                 'is the same')
    seconds = sizes.latency_seconds + WARMUP_SECONDS
    count = int(rate * seconds)
    with Stack(context, 'latency') as stack:
        arena = Arena(context, stack).open()

        def drive(url, requests):
            return load.with_bench(context, url, requests, rate, sizes.latency_seconds, WARMUP_SECONDS)

        results.order(TABLE, SIDES)
        for turn in range(1, sizes.latency_rounds + 1):
            context.say(f'latency, round {turn} of {sizes.latency_rounds}: making users')
            coupon = f'latency-{turn}'
            tokens = stack.seed(count * len(SIDES), coupon)
            files = {side: arena.requests(side, tokens[number * count:(number + 1) * count], coupon, f'requests-{number}')
                     for number, side in enumerate(SIDES)}
            stack.settle()
            for side in in_turn(SIDES, turn):
                try:
                    measured, costs = arena.run(side, files[side], drive)
                except Discarded as discarded:
                    context.discard(TABLE, side, turn, discarded)
                    continue
                results.add(TABLE, side, RATE, measured.rate, turn, costs.clean)
                results.add(TABLE, side, P50, measured.p50, turn, costs.clean)
                results.add(TABLE, side, P99, measured.p99, turn, costs.clean)
                results.add(TABLE, side, 'generator late p99 ms', measured.late_p99 or 0, turn, costs.clean)
                context.progress(TABLE, side, turn, measured, costs)
        arena.close()
        stack.reconcile()
