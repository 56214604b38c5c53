"""The way that many would build first: a transaction of Postgres locks coupon and user, checks, and writes."""

import glob
import os
import re
from types import SimpleNamespace

from . import proc
from .failure import Discarded, Failure
from .load import CONNECTIONS, Run

ROW = 'Postgres, SELECT … FOR UPDATE'
DATABASE = 'postgres_alone'
PEERS = f'{__file__.rpartition("/")[0]}/../peers'


class Peer:
    def __init__(self, context, stack):
        self.context, self.stack = context, stack
        self.users = context.sizes.postgres_users
        stack.sql(f'create database {DATABASE}')
        with open(f'{PEERS}/postgres-schema.sql', encoding='utf-8') as file:
            stack.sql(file.read(), DATABASE)
        stack.sql(f'insert into account select number, 100 from generate_series(1, {self.users}) number', DATABASE)
        stack.sql('analyze', DATABASE)

    def run(self, seconds):
        stack = self.stack
        stack.sql('truncate redemption; update coupon set remaining = total; update account set credit = 100 where credit <> 100',
                  DATABASE)
        stack.sql('vacuum account, coupon', DATABASE)
        stack.sql('checkpoint')
        command = [
            pgbench(), '-n', '-M', 'prepared', '-c', str(CONNECTIONS), '-j', str(os.cpu_count()), '-T', str(seconds),
            '-D', f'users={self.users}', '-f', f'{PEERS}/postgres.sql', '-l', f'--log-prefix={stack.folder}/pgbench',
            stack.postgres_url.rpartition('/')[0] + '/' + DATABASE]
        self.context.quiet.wait()
        before = proc.cpu_seconds_with_children(stack.postgres_pid)
        said = self.context.processes.must('pgbench', command)
        clean = self.context.quiet.ended()
        cpu = proc.cpu_seconds_with_children(stack.postgres_pid) - before
        redeemed, users, sold, remaining = map(int, stack.sql(
            'select count(*), count(distinct account), (select total - remaining from coupon), (select remaining from coupon) '
            'from redemption', DATABASE).split('|'))
        if redeemed != users or redeemed != sold or remaining < 0:
            raise Discarded(f'pgbench: {redeemed} redemptions of {users} users, and {sold} were taken from the stock')
        tps = float(re.search(r'^tps = ([\d.]+)', said, re.MULTILINE).group(1))
        done = int(re.search(r'actually processed: (\d+)', said).group(1))
        self.context.results.note('postgres', f'Postgres alone: the coupon did not oversell; {1 - redeemed / done:.1%} of its '
                                       'transactions met a user who had redeemed already, and are not counted')
        latencies = sorted(latencies_ms(f'{stack.folder}/pgbench.*'))
        costs = SimpleNamespace(server=cpu / redeemed * 1e6, redis=None, script=None, clean=clean)
        return Run(tps * redeemed / done, quantile(latencies, 0.5), quantile(latencies, 0.99), None), costs


def latencies_ms(pattern):
    """The latency of each transaction from pgbench's logs, which are then removed."""
    for path in glob.glob(pattern):
        with open(path, encoding='ascii') as file:
            for line in file:
                yield int(line.split()[2]) / 1000
        os.unlink(path)


def quantile(ordered, part):
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def pgbench():
    # Debian's /usr/bin/pgbench looks for one of the system's clusters.
    found = sorted(glob.glob('/usr/lib/postgresql/*/bin/pgbench'))
    if not found:
        raise Failure('pgbench is missing; install it: scripts/setup bench')
    return found[-1]
