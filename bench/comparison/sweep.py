"""Redemptions a second by the number of connections: Redeem, Webdis and nginx side by side, by `redeem bench replay` and by wrk. An
earlier Redeem, if there is one, has a Redis, a Postgres and a shard of its own, because its scripts may differ."""

import contextlib

from . import load
from .arena import PEERS, REDEEM, SIDES, Arena
from .failure import Discarded
from .measure import P99, RATE, REDIS, SERVER, in_turn, record
from .stack import PRICE, Stack

CONNECTIONS = (1, 4, 16, 64, 256, 1024)
# Requests of one side in one round, as a share of those in other sections. They take about a second.
PARTS = {1: 0.1, 4: 0.25}
PART = 0.6
BENCH, WRK = 'redeem bench', 'wrk'
DRIVES = {BENCH: load.with_bench, WRK: load.with_wrk}
BEFORE = 'Redeem before'


def table(connections, by):
    return f'{connections:,} connection{"" if connections == 1 else "s"}, by {by}'


TABLES = {table(connections, by) for connections in CONNECTIONS for by in DRIVES}


def count(context, connections, turn):
    """The number of requests of one side. The first round warms up."""
    full = max(1, int(context.sizes.redemptions * PARTS.get(connections, PART)))
    return full if turn else max(connections, full // 10)


class Shares:
    """The users of a stack, with a part for each place. They are made once, since they redeem another coupon in each round."""

    def __init__(self, context, stack, places, at_least=0):
        """`at_least`: the least number of users. A look at a user takes longer if Redis has more, so compared stacks have equally many."""
        self.context, self.stack = context, stack
        self._from = {}
        users = 0
        for place in places:
            self._from[place] = users
            users += count(context, place[0], 1)
        users = max(users, at_least)
        context.say(f'sweep: making {users} users')
        self.users = users
        self.tokens = stack.seed(users, 'sweep', credit=(context.rounds + 1) * PRICE)

    def of(self, place, turn):
        start = self._from[place]
        return self.tokens[start:start + count(self.context, place[0], turn)]


def run(context):
    with contextlib.ExitStack() as stacks:
        stack = stacks.enter_context(Stack(context, 'sweep'))
        arena = Arena(context, stack).open()
        places = [(connections, by, side) for connections in CONNECTIONS for by in DRIVES for side in SIDES]
        shares = Shares(context, stack, places)
        before = stacks.enter_context(Before(context, shares.users)) if context.before else None
        for connections in CONNECTIONS:
            context.results.order(table(connections, BENCH), [*SIDES, BEFORE])
            context.results.order(table(connections, WRK), SIDES)
        for turn in range(context.rounds + 1):
            context.say(f'sweep, round {turn} of {context.rounds}: writing requests')
            coupon = f'sweep-{turn}'
            stack.coupon(coupon, shares.users)
            files = {place: arena.requests(place[2], shares.of(place, turn), coupon, f'requests-{number}')
                     for number, place in enumerate(places)}
            if before:
                before.prepare(coupon, turn)
            stack.settle()
            for connections in in_turn(CONNECTIONS, turn):
                for by in in_turn(DRIVES, turn):
                    for side in in_turn([*SIDES, BEFORE] if before and by == BENCH else SIDES, turn):
                        file = before.files[connections] if side == BEFORE else files[connections, by, side]
                        ask(context, before.arena if side == BEFORE else arena, connections, by, side, file, turn)
        arena.close()
        stack.reconcile()
        if before:
            before.stack.reconcile()


def ask(context, arena, connections, by, side, file, turn):
    name = table(connections, by)
    try:
        measured, costs = arena.run(side, file, lambda url, requests: DRIVES[by](context, url, requests, connections=connections))
    except Discarded as discarded:
        return context.discard(name, side, turn, discarded)
    if turn:
        record(context.results, name, side, turn, measured, costs)
    context.progress(name, side, turn, measured, costs)


class Before:
    """An earlier Redeem. It gets its load from the measured Redeem's generator, as the other sides do."""

    def __init__(self, context, users):
        self.context, self.users = context, users
        self.stack = Stack(context, 'before', program=context.before)

    def __enter__(self):
        self.stack.__enter__()
        self.stack.start_sync()
        self.arena = Arena(self.context, self.stack)
        self.arena.servers = {BEFORE: self.stack.serve('relaxed')}
        self.shares = Shares(self.context, self.stack, [(connections, BENCH, BEFORE) for connections in CONNECTIONS],
                             at_least=self.users)
        return self

    def __exit__(self, *problem):
        self.stack.__exit__(*problem)

    def prepare(self, coupon, turn):
        self.stack.coupon(coupon, self.shares.users)
        self.files = {connections: self.arena.requests(REDEEM, self.shares.of((connections, BENCH, BEFORE), turn), coupon,
                                                       f'requests-{connections}') for connections in CONNECTIONS}
        self.stack.settle()


# MARK: - What is shown

def grids(results):
    """One grid for each generator, instead of a table for each number of connections: (title, columns, rows of (connections, a
    (table, row, column) for each column))."""
    for by in DRIVES:
        there = [connections for connections in CONNECTIONS if results.rows(table(connections, by))]
        if there:
            sides = [side for side in (*SIDES, BEFORE) if any(side in results.rows(table(connections, by)) for connections in there)]
            columns = [(f'{side} /s', side, RATE) for side in sides] + [(f'{side} p99 ms', side, P99) for side in sides]
            columns += [(f'{side} {column}', side, column) for side in (REDEEM, PEERS[0]) if side in sides for column in (SERVER, REDIS)]
            yield (f'by connections, driven by {by}', [name for name, _, _ in columns],
                   [(f'{connections:,}', [(table(connections, by), side, column) for _, side, column in columns]) for connections in there])
