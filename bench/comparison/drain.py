"""How fast a sync worker carries a backlog in the outbox to Postgres."""

import time

from .population import Population
from .stack import SHARD, Stack

TABLE = 'drain of a backlog'
ROW = 'redeem sync'
ROWS = 'rows/s'
# How many redemptions a script call decides under load, when requests wait for it.
BATCH = 16
COUPON = 'drain'


def run(context):
    count = context.sizes.backlog
    with Stack(context, 'drain', vacuums=True) as stack:
        stack.start_sync()
        context.say(f'drain: making {count} users')
        population = Population(stack, count, own_sessions=False)
        population.create()
        stack.coupon(COUPON, count)
        stack.drain()
        stack.stop_sync()
        context.say(f'drain: {count} redemptions without a sync worker')
        population.redeem(COUPON, BATCH)
        entries = stack.redis.call('XLEN', f'{SHARD}:outbox')
        context.quiet.wait()
        # The time counts from the start of the process, so the look at the shard and its opening are part of it.
        began = time.monotonic()
        stack.drain()
        seconds = time.monotonic() - began
        clean = context.quiet.ended()
        rows = stack.rows(COUPON)
        assert rows == count, f'{rows} rows in Postgres, {count} redemptions'
        for column, value in {ROWS: rows / seconds, 'rows': rows, 'seconds': seconds}.items():
            context.results.add(TABLE, ROW, column, value, clean=clean)
        context.results.note('drain', f'drain: the backlog, {entries:,} entries of {BATCH} redemptions each by another user, was made by '
                             'calling redeem.lua directly; the time is from the start of `redeem sync` until the outbox is empty, that '
                             'is, landed and settled')
        context.say(f'drain: {rows / seconds:,.0f} rows/s')
        stack.reconcile()
