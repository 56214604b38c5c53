"""Everything at once: load generator, server, Redis in mode local, sync worker and Postgres on this machine. It looks for the highest
rate that they sustain, then runs a share of it for a minute, and tells that second by second."""

import os

from . import load
from .failure import Discarded, Failure
from .measure import P50, P99, RATE
from .stack import PRICE, Stack
from .watch import SAMPLE_SECONDS, Watch

TABLE, SECONDS = 'everything at once', 'everything at once, second by second'
HIGHEST, RUN = 'highest sustained rate', 'a part of it'
ASKED, SHARE, MAX, LAG = 'asked for/s', 'of the highest', 'max ms', 'lag at most s'
CORES = 'part of the cores in use'
CONNECTIONS = 1024  # so many that nothing waits for work while Redis waits for its disk
PART = 0.7
# Shares of the closed loop's rate, tried until one is sustained.
STEPS = (0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4)
LAG_SECONDS = 2  # how far the sync worker may be behind; this must not grow with time
ANSWERED = 0.99  # of the rate that was asked for
WARMUP_SECONDS = 5
SETTLED_SECONDS = 5  # after the load has begun, a server's memory grows no more


def run(context):
    with Stack(context, 'together', vacuums=True, rewrites=True) as stack:
        stack.start_sync()
        server = stack.serve('local')
        rate = context.together_rate or round(PART * search(context, stack, server), -2)
        seconds = context.sizes.together_seconds
        users = int(rate * (seconds + WARMUP_SECONDS))
        context.say(f'everything at once: making {users} users')
        stack.seed(users, 'together')
        # Operators are told to do this before a sale.
        stack.redis.rewrite()
        measured, watch, clean = ask(context, stack, server, 'together', ['--rate', str(rate)], seconds)
        add = adder(context, RUN, measured, watch, clean)
        add(ASKED, rate)
        if not context.together_rate:
            add(SHARE, PART)
        for name, column in (('server', 'server'), ('sync', 'sync worker')):
            for when, moment in (('start', WARMUP_SECONDS + SETTLED_SECONDS), ('end', WARMUP_SECONDS + seconds)):
                add(f'{column} MB at {when}', watch.memory(name, measured.result['beganAt'] + moment) / 1e6)
        tell(context, measured, watch)
        context.results.note('together', f'everything at once: {CONNECTIONS} connections; {rate:,.0f} requests a second, evenly spaced, by '
                             f'{users:,} users, each once, {seconds} s after {WARMUP_SECONDS} s of warm-up; '
                             'Redis rewrote its append-only file before, and rewrites it as it likes, as Postgres vacuums; '
                             'lag is the age of the oldest decision that was not in Postgres')
        stack.reconcile()


def search(context, stack, server):
    """The closed loop's rate, if the sync worker keeps up with it. Otherwise the greatest share of it that is sustained by the clock."""
    seconds = context.sizes.search_seconds
    context.say(f'everything at once: making {context.sizes.search_users} users')
    stack.seed(context.sizes.search_users, 'search', credit=(2 + len(STEPS)) * PRICE)
    reached = None
    for number, part in enumerate((None, *STEPS)):
        pace = ['--closed'] if part is None else ['--rate', str(round(part * reached, -1))]
        coupon = f'search-{number}'
        stack.coupon(coupon, context.sizes.search_users)
        try:
            measured, watch, clean = ask(context, stack, server, coupon, pace, seconds)
        except Discarded:
            if part is None:
                raise
            continue
        reached = reached or measured.rate
        if is_sustained(measured.rate, part and part * reached, watch.lags(*window(measured))):
            add = adder(context, HIGHEST, measured, watch, clean)
            add(CORES, watch.all_cores(*window(measured)) / os.cpu_count())
            return measured.rate
    raise Failure(f'the sync worker keeps up with no rate down to {STEPS[-1]:.0%} of {reached:,.0f} a second')


def is_sustained(rate, asked, lags):
    """Whether a rate is sustained. `asked`: `None` in a closed loop."""
    return (asked is None or rate >= ANSWERED * asked) and max(lags, default=0) <= LAG_SECONDS


def ask(context, stack, server, coupon, pace, seconds):
    stack.settle()
    stack.start_sync()
    watch = Watch(stack, server)
    context.quiet.wait()
    measured = load.run_bench(context, [
        'redeem', '--url', server.url, '--tokens', f'{stack.folder}/tokens', '--coupon', coupon, '--code', stack.code(coupon), *pace,
        '--duration', f'{seconds}s', '--warmup', f'{WARMUP_SECONDS}s'], CONNECTIONS, watch.look, SAMPLE_SECONDS)
    clean = context.quiet.ended()
    lags = watch.lags(*window(measured))
    context.say(f'everything at once, {" ".join(pace)}: {measured.rate:,.0f}/s, p99 {measured.p99:.1f} ms, '
                f'lag at most {max(lags, default=0):.1f} s, {watch.all_cores(*window(measured)):.2f} cores')
    return measured, watch, clean


def window(measured):
    """The beginning and the end of the measured time, in seconds since 1970."""
    began = measured.result['beganAt'] + measured.result['warmup']
    return began, began + measured.result['seconds']


def adder(context, row, measured, watch, clean):
    """Adds the cells that all rows have. Returns a function that adds further ones."""
    def add(column, value):
        context.results.add(TABLE, row, column, value, clean=clean)

    context.results.order(TABLE, [HIGHEST, RUN])
    add(RATE, measured.rate)
    add(P50, measured.p50)
    add(P99, measured.p99)
    add(MAX, measured.result['latency']['max'])
    add(LAG, max(watch.lags(*window(measured)), default=0))
    for name, cores in watch.cores(*window(measured)).items():
        add(f'{name} µs', cores / measured.rate * 1e6)
    return add


def tell(context, measured, watch):
    for row, values in by_second(measured.result, watch.second):
        for column, value in values.items():
            if value is not None:
                context.results.add(SECONDS, row, column, value)


def by_second(result, used):
    """(second, values by column) for each measured second. `used(from, to)`: further values about that time, by column."""
    series = [entry for entry in result['series'] if not entry['isWarmup']]
    if len(series) > 1 and series[-1]['length'] < 0.5:
        # The last interval may be a moment only, but it has the answers that took longest. So it belongs to the last second.
        last = series.pop()
        longest = {name: max(series[-1].get(name) or 0, last.get(name) or 0) for name in ('p99', 'max')}
        answered, length = series[-1]['answered'] + last['answered'], series[-1]['length'] + last['length']
        series[-1] = {**series[-1], **longest, 'end': last['end'], 'length': length, 'rate': answered / length}
    for number, entry in enumerate(series, 1):
        yield str(number), {
            RATE: entry['rate'], P50: entry.get('p50'), P99: entry.get('p99'), MAX: entry.get('max'),
            **used(result['beganAt'] + entry['end'] - entry['length'], result['beganAt'] + entry['end'])}
