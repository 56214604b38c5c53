"""A Redeem for the comparison alone: Redis and Postgres, a sync worker that can be stopped, servers, users."""

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
# Preparations are not measured. A machine that pauses for a moment must not make them fail.
PATIENT = {'REDEEM_REDIS_DEADLINE_MS': '30000'}


class Server:
    def __init__(self, process, url):
        self.process = process
        self.url = url
        self.pids = [process.pid]


class Stack:
    """All its processes end with the `with` block."""

    def __init__(self, context, name, vacuums=False, rewrites=False, program=None):
        """`vacuums`: Postgres vacuums by itself, as usual. `rewrites`: Redis rewrites its append-only file by itself, as usual.
        `program`: another `redeem` than the one that is measured."""
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
        # A rewrite of the append-only file or a vacuum would slow one side down by chance.
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
        """Configures Redis for what a server's answers promise, and for no more."""
        self.redis.call('CONFIG', 'SET', 'appendfsync', 'everysec' if durability == 'relaxed' else 'always')

    # MARK: - Data

    def coupon(self, identifier, stock):
        self.start_sync()  # it tells Redis of the coupon
        self._redeem('coupon', 'create', identifier, '--price', PRICE, '--total', stock, '--code', self.code(identifier))
        self._wait_for_coupon(identifier)

    def seed(self, users, coupon, credit=PRICE):
        """Makes users with sessions and credit in Redis, and a coupon that each of them can redeem. Returns the file of their tokens."""
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
        """The digest of the coupon's hidden code, which scripts get."""
        return self.redis.call('HGET', f'{SHARD}:coupon:{coupon}', 'code')

    def backlog(self):
        """The number of entries in the outbox, and the age of the oldest in seconds by Redis's clock."""
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
        """Returns when Postgres has every decision."""
        self.start_sync()
        self._until(lambda: self.redis.call('XLEN', f'{SHARD}:outbox') == 0, 'the outbox is not drained', DRAIN_SECONDS)

    def settle(self):
        """Waits until all earlier work is in Postgres and on the disk, and stops the worker, so that no side pays for it."""
        self.drain()
        self.stop_sync()
        self.sql('analyze')  # here nobody else does it
        self.sql('checkpoint')
        os.sync()

    def reconcile(self):
        """Checks every invariant, so that the figures are about real redemptions, with none missing and none twice."""
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
