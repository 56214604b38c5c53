"""redis-benchmark, pipelined: the most that Redis can do if each redemption is a call of the script."""

import csv
import io

from . import prepared
from .failure import Discarded
from .load import CONNECTIONS, Run
from .measure import Costs
from .population import NumberedPopulation, script_sha1
from .stack import Stack

ROW = 'redis-benchmark -P 16'
PIPELINE = 16
# redis-benchmark draws users at random, so some come twice, and their second call is cheaper.
REPEATED_LIMIT = 0.1


class Ceiling:
    """A stack whose decisions stay in Redis. redis-benchmark has too few different numbers for unique ids, so Postgres would refuse
    some of them."""

    def __init__(self, context, turns):
        self.context, self.turns = context, turns

    def __enter__(self):
        users = self.context.sizes.ceiling_users
        self.context.say(f'making {users} users for redis-benchmark')
        self.stack = Stack(self.context, 'ceiling').__enter__()
        self.stack.start_sync()
        self.population = NumberedPopulation(self.stack, users)
        self.population.create()
        for turn in range(self.turns + 1):
            self.stack.coupon(f'ceiling-{turn}', users)
        self.stack.settle()
        self.stack.promise('relaxed')
        return self

    def __exit__(self, *problem):
        self.stack.__exit__(*problem)

    def run(self, turn, count):
        """Runs redis-benchmark. It replaces each __rand_int__ by another number of 12 digits, so user, session and tail differ."""
        redis, coupon, population = self.stack.redis, f'ceiling-{turn}', self.population
        before = self.stack.left(coupon)
        request = (f'{population.NAME}__rand_int__'.encode(), f'{population.session_prefix}__rand_int__', 'cA__rand_int__')
        command = [
            'redis-benchmark', '-h', redis.host, '-p', redis.port, '-a', redis.password, '-P', PIPELINE, '-c', CONNECTIONS,
            '-n', count, '-r', population.count, '--csv',
            *prepared.call(script_sha1('redeem', redis), coupon, self.stack.digest(coupon), [request])]
        with Costs(self.stack, count) as costs:
            arguments = [part.decode() if isinstance(part, bytes) else str(part) for part in command]
            said = self.context.processes.must('redis-benchmark', arguments)
        costs.server = None
        accepted = before - self.stack.left(coupon)
        repeated = 1 - accepted / count
        if not 0 <= repeated <= REPEATED_LIMIT:
            raise Discarded(f'{accepted} of {count} redemptions were accepted')
        self.context.results.note('redis-benchmark', f'redis-benchmark draws users at random: {repeated:.1%} of its calls met a user '
                                  'who had redeemed already, and are counted. It has a Redis of its own, configured like the other')
        lines = [line for line in said.splitlines() if line.startswith('"')]
        row = next(csv.DictReader(io.StringIO('\n'.join(lines))))
        return Run(float(row['rps']), float(row['p50_latency_ms']), float(row['p99_latency_ms']), None), costs
