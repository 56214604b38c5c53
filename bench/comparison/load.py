"""Drives a server with the load generator of `redeem bench`, or with wrk."""

import json
import re

from . import prepared
from .failure import Discarded, Failure

CONNECTIONS = 64
LIMIT_SECONDS = 60  # of one closed run
# If wrk uses so much of its core, the run waits for wrk. LuaJIT hashes a long string by a few places, which each process draws. If all
# answers are equal there, each one is compared with those before it, and wrk needs 200 µs for a request.
WHOLE_CORE = 0.95
FILLERS = {'redeem': '/livez "live"', 'peer': '/PING PONG'}
EXPECTED = {'redeem': '201', 'peer': '"a"'}
BROKEN, CONDITION = 1, 99  # exit codes of redeem bench: a promise was broken; a condition of --fail-if holds
WRK = f'{__file__.rpartition("/")[0]}/../wrk'


class Run:
    """The rate in requests a second, latencies in milliseconds, and the generator's own processor time in microseconds a request."""

    def __init__(self, rate, p50, p99, cpu, late_p99=None):
        self.rate, self.p50, self.p99, self.cpu, self.late_p99 = rate, p50, p99, cpu, late_p99

    @property
    def generator_cores(self):
        return self.rate * self.cpu / 1e6


class Requests:
    """A file of prepared requests. `kind` is the kind of server that they are for."""

    def __init__(self, path, lines, kind):
        prepared.write(path, lines)
        self.path = path
        self.count = len(lines)
        self.kind = kind


def with_bench(context, url, requests, rate=None, seconds=LIMIT_SECONDS, warmup=0, connections=CONNECTIONS):
    """Sends each request once: as fast as the connections can, or `rate` a second."""
    pace = ['--rate', str(rate)] if rate else ['--closed']
    return run_bench(context, [
        'replay', '--url', url, '--requests', requests.path, '--expect', EXPECTED[requests.kind], *pace,
        '--duration', f'{seconds}s', '--warmup', f'{warmup}s'], connections)


def run_bench(context, arguments, connections=CONNECTIONS, look=None, every=1):
    """Runs `redeem bench`. `look(process)` is called each `every` seconds while it runs."""
    report = f'{context.folder}/report.json'
    status, said = context.processes.run('redeem bench', [
        context.redeem, 'bench', *arguments, '--connections', str(connections), '--fail-if', 'errors>0', '--json', report],
        while_running=look, every=every)
    if status not in (0, BROKEN, CONDITION):
        raise Failure(f'redeem bench ended with {status}:\n{said[-2000:]}')
    if status:
        raise Discarded(f'not every answer was as it must be: {outcomes(said)}')
    with open(report, encoding='utf-8') as file:
        result = json.load(file)['result']
    late = result['generator'].get('lateness')
    run = Run(result['rate'], result['latency']['p50'], result['latency']['p99'], result['generator']['cpuPerRequest'],
              late and late['p99'])
    run.result = result
    run.requests = sum(count['count'] for kind in result['kinds'] for count in kind['wholeRun'])
    return run


def with_wrk(context, url, requests, connections=CONNECTIONS):
    return run_wrk(context, url, 'replay.lua', requests.count, 'expected', {
        'REDEEM_REQUESTS': requests.path, 'REDEEM_EXPECT': EXPECTED[requests.kind], 'REDEEM_FILLER': FILLERS[requests.kind]},
        connections)


def run_wrk(context, url, script, count, outcome, environment, connections=CONNECTIONS):
    command = ['wrk', '-t1', f'-c{connections}', f'-d{LIMIT_SECONDS}s', '-s', f'{WRK}/{script}', url]
    said = context.processes.must('wrk', command, environment)
    if f'outcome {outcome} {count}\n' not in said:
        raise Discarded(f'not all of {count} answers were as they must be: {outcomes(said)}')
    rate, p50, p99 = re.search(r's: (\d+) a second; p50 ([\d.]+) ms, p99 ([\d.]+) ms', said).groups()
    cpu = re.search(r'^cpu ([\d.]+) us', said, re.MULTILINE).group(1)
    run = Run(float(rate), float(p50), float(p99), float(cpu))
    if run.generator_cores > WHOLE_CORE:
        raise Discarded(f'wrk had no time left: it used {run.cpu:.0f} µs a request itself, {run.generator_cores:.2f} of its core')
    return run


def outcomes(said):
    """The outcomes in the generator's output."""
    found = re.findall(r'^(?:outcomes? +| {13})(\S+ .*\d.*)$', said, re.MULTILINE)
    return '; '.join(found) or said[-1000:]
