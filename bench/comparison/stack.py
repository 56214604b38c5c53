"""A Redeem of the comparison's own: Redis and Postgres, a sync worker that can be stopped, servers, users."""

import os
import re
import time

from . import proc
from .failure import Failure
from .redis import Redis
from .whole import WholeRedeem

CODE = 'BENCH-CODE'
PRICE = 1
DRAIN_SECONDS = 300
SHARD = '{s0}'
# What prepares a run is not measured, and a machine that stands still for a moment must not end it.
PATIENT = {'REDEEM_REDIS_DEADLINE_MS': '30000'}


class Server:
    def __init__(self, process, url):
        self.process = process
        self.url = url
        self.pids = [process.pid]


class Stack:
    """Everything of it ends with the `with` block."""

    def __init__(self, context, name, vacuums=False, rewrites=False, program=None):
        """`vacuums`: Postgres vacuums by itself, as it does where nobody measures single seconds. `rewrites`: so does Redis rewrite
        its append-only file. `program`: another `redeem` than the one that is measured."""
        self.context = context
        self.rewrites = rewrites
        self.name = name
        self.vacuums = vacuums
        self.processes = context.processes
        self.folder = f'{context.folder}/{name}'
        self.redeem = WholeRedeem(self.processes, program or context.redeem, self.folder)
        self._sync = None

    def __enter__(self):
        self.redeem.start_stores()
        values = self.redeem.values
        self.postgres_url = values['REDEEM_POSTGRES_URL']
        user, password, host, port = re.fullmatch(r'redis://([^:]*):([^@]*)@([^:/]+):(\d+)(?:/0)?', values['REDEEM_REDIS_URL']).groups()
        self.redis = Redis(host, int(port), password)
        under = {proc.name(pid): pid for pid in reversed(proc.descendants(self.redeem.stores.pid))}
        self.redis_pid, self.postgres_pid = under['redis-server'], under['postgres']
        # Either would hit whichever side is being measured by chance: a rewrite of the append-only file, and a vacuum.
        if not self.rewrites:
            self.redis.call('CONFIG', 'SET', 'auto-aof-rewrite-percentage', '0')
        if not self.vacuums:
            self.sql('alter system set autovacuum = off')
            self.sql('select pg_reload_conf()')
        return self

    def __exit__(self, *_):
        self.redis.close()
        self.redeem.stop_all()

    # MARK: - Processes

    def start_sync(self):
        if not self._sync:
            self._sync = self.redeem.start_worker()
            self._sync.wait_for('the shard is open')
        return self._sync

    @property
    def sync_pid(self):
        return self.start_sync().pid

    def stop_sync(self):
        if self._sync:
            self.redeem.stop(self._sync)
            self._sync = None

    def serve(self, durability='relaxed'):
        self.promise(durability)
        return Server(*self.redeem.start_server(f'server {durability}', '--durability', durability, '--log-level', 'warning'))

    def stop_server(self, server):
        self.redeem.stop(server.process)

    def promise(self, durability):
        """Redis is configured for what a server's answers promise, and for no more."""
        self.redis.call('CONFIG', 'SET', 'appendfsync', 'everysec' if durability == 'relaxed' else 'always')

    # MARK: - Data

    def coupon(self, identifier, stock):
        self.start_sync()  # which tells Redis of it
        self._redeem('coupon', 'create', identifier, '--price', PRICE, '--total', stock, '--code', self.code(identifier))
        self._wait_for_coupon(identifier)

    def seed(self, users, coupon, credit=PRICE):
        """Access tokens of new users with sessions and credit, all loaded in Redis, and a coupon that each of them can redeem."""
        self.start_sync()
        file = f'{self.folder}/tokens'
        self._redeem('seed', '--users', users, '--credit', credit, '--price', PRICE, '--stock', users, '--coupon', coupon,
                     '--code', self.code(coupon), '--tokens', file)
        self._wait_for_coupon(coupon)
        with open(file, encoding='ascii') as lines:
            return lines.read().split()

    @staticmethod
    def code(coupon):
        return f'{CODE}-{coupon}'

    def digest(self, coupon):
        """Of the coupon's hidden code, as scripts get it."""
        return self.redis.call('HGET', f'{SHARD}:coupon:{coupon}', 'code')

    def backlog(self):
        """Entries of the outbox, and the age of the oldest in seconds by Redis's clock."""
        length, first, now = self.redis.pipeline(
            [('XLEN', f'{SHARD}:outbox'), ('XRANGE', f'{SHARD}:outbox', '-', '+', 'COUNT', 1), ('TIME',)])
        age = int(now[0]) + int(now[1]) / 1e6 - int(first[0][0].partition('-')[0]) / 1000 if first else 0
        return length, max(0, age)

    def left(self, coupon):
        return int(self.redis.call('HGET', f'{SHARD}:coupon:{coupon}', 'left'))

    def rows(self, coupon):
        return int(self.sql(f"select count(*) from redemptions where coupon_id = '{coupon}'"))

    def sql(self, text, database=None):
        url = self.postgres_url if database is None else self.postgres_url.rpartition('/')[0] + '/' + database
        return self.processes.must('psql', ['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-c', text, url]).strip()

    def _redeem(self, *arguments):
        return self.redeem.run(*arguments, environment=PATIENT)

    def _wait_for_coupon(self, coupon):
        self._until(lambda: self.redis.call('EXISTS', f'{SHARD}:coupon:{coupon}'), f'coupon {coupon} is not in Redis', 30)

    # MARK: - Between runs

    def drain(self):
        """Returns when all that was decided is in Postgres."""
        self.start_sync()
        self._until(lambda: self.redis.call('XLEN', f'{SHARD}:outbox') == 0, 'the outbox is not drained', DRAIN_SECONDS)

    def settle(self):
        """What went before is in Postgres and on the disk, and no worker runs: no side pays for it."""
        self.drain()
        self.stop_sync()
        self.sql('analyze')  # which nobody else does here
        self.sql('checkpoint')
        os.sync()

    def reconcile(self):
        """Checks every invariant: the figures are of real redemptions, none missing and none twice."""
        self.drain()
        self.context.say(f'{self.name}: reconciling')
        said = self._redeem('reconcile')
        if self.sql('select count(*) from quarantine') != '0':
            raise Failure('there are entries in quarantine')
        return said

    def _until(self, holds, problem, seconds):
        deadline = time.monotonic() + seconds
        while not holds():
            if self._sync and self._sync.popen.poll() is not None:
                raise Failure(f'the sync worker has ended:\n{self._sync.said()[-2000:]}')
            if time.monotonic() > deadline:
                raise Failure(f'{problem} after {seconds} s')
            time.sleep(0.02)
