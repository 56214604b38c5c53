"""A run, and the processor time that it took."""

from . import proc

# Columns. Microseconds are processor time for each redemption.
RATE, P50, P99 = 'requests/s', 'p50 ms', 'p99 ms'
SERVER, REDIS, SCRIPT, GENERATOR = 'server µs', 'Redis µs', 'script µs', 'generator µs'


def in_turn(sides, turn):
    """The order of a round: A B C, C B A, B C A, A C B, C A B, B A C. Each second round reverses the one before, so a machine that
    gets slower or faster favours no side. No side is always the first, or always behind the same one."""
    sides = list(sides)
    pair = turn // 2 % len(sides) if len(sides) > 2 else 0
    order = sides[pair:] + sides[:pair]
    return order[::-1] if turn % 2 else order


class Costs:
    """The processor time of processes during the `with` block, in microseconds for each of `count` redemptions."""

    def __init__(self, stack, count, server_pids=()):
        self.stack, self.count, self.server_pids = stack, count, server_pids

    def __enter__(self):
        self.stack.context.quiet.wait()
        self.stack.redis.call('CONFIG', 'RESETSTAT')
        self._server = proc.cpu_seconds(self.server_pids)
        self._redis = proc.cpu_seconds([self.stack.redis_pid])
        return self

    def __exit__(self, *_):
        self.clean = self.stack.context.quiet.ended()
        per = 1e6 / self.count
        self.server = (proc.cpu_seconds(self.server_pids) - self._server) * per
        self.redis = (proc.cpu_seconds([self.stack.redis_pid]) - self._redis) * per
        self.script = self.stack.redis.script_usec() / self.count


def record(results, table, row, turn, run, costs, clean=None):
    """Adds the cells of a row. Values that are `None` were not measured, and are left out."""
    clean = costs.clean if costs else clean
    of_processes = {SERVER: costs.server, REDIS: costs.redis, SCRIPT: costs.script} if costs else {}
    of_run = {RATE: run.rate, P50: run.p50, P99: run.p99, GENERATOR: run.cpu}
    for column, value in {**of_run, **of_processes}.items():
        if value is not None:
            results.add(table, row, column, value, turn, clean)
