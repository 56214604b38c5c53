"""Everything at once: load generator, server, Redis in mode local, sync worker and Postgres on this machine."""

import json
import time
from statistics import median

from . import proc
from .failure import Failure
from .load import CONNECTIONS

TABLE = 'everything at once'
ROW = 'Redeem, mode local'
WARMUP_SECONDS = 5
SETTLED_SECONDS = 5  # after the load has begun; a server's memory is flat from there on


class Watch:
    """The resident memory of the processes of a load run, a sample a second: (when, bytes)."""

    def __init__(self):
        self.samples = {}  # by name

    def look(self, process):
        for pid in proc.descendants(process.pid):
            words = proc.command_line(pid)
            name = words[1] if len(words) > 1 and words[0].endswith('redeem') else proc.name(pid) if words else ''
            if name in ('serve', 'sync', 'redis-server'):
                self.samples.setdefault(name, []).append((time.monotonic(), proc.resident_bytes(pid)))

    def at_both_ends(self, name, seconds):
        """Bytes soon after the load has begun and when it ends; the server is started right before it."""
        began = self.samples['serve'][0][0]
        def near(moment):
            return median(sorted(self.samples[name], key=lambda sample: abs(sample[0] - moment))[number][1] for number in range(3))
        return near(began + WARMUP_SECONDS + SETTLED_SECONDS), near(began + WARMUP_SECONDS + seconds)


def run(context):
    rate, seconds = context.together_rate, context.sizes.together_seconds
    report = f'{context.folder}/together.json'
    context.say(f'everything at once: making users for {rate}/s over {seconds + WARMUP_SECONDS} s')
    watch = Watch()
    context.quiet.wait()
    status, said = context.processes.run('redeem bench', [
        context.redeem, 'bench', 'redeem', '--local', '--durability', 'local', '--rate', str(rate), '--duration', f'{seconds}s',
        '--warmup', f'{WARMUP_SECONDS}s', '--connections', str(CONNECTIONS), '--json', report], while_running=watch.look)
    clean = context.quiet.ended()
    if status != 0:
        raise Failure(f'redeem bench --local failed with {status}:\n{said[-2000:]}')
    with open(report, encoding='utf-8') as file:
        document = json.load(file)
    result = document['result']

    def add(column, value):
        context.results.add(TABLE, ROW, column, value, clean=clean)

    add('asked for/s', rate)
    add('requests/s', result['rate'])
    add('p50 ms', result['latency']['p50'])
    add('p99 ms', result['latency']['p99'])
    lags = [(entry['end'], entry['gauges'].get('lag', 0)) for entry in result['series'] if not entry['isWarmup']]
    add('lag at most s', max(lag for _, lag in lags))
    third = len(lags) // 3 or 1
    add('lag, first third s', median(lag for _, lag in lags[:third]))
    add('lag, last third s', median(lag for _, lag in lags[-third:]))
    for name, column in (('serve', 'server'), ('sync', 'sync worker')):
        start, end = watch.at_both_ends(name, seconds)
        add(f'{column} MB at start', start / 1e6)
        add(f'{column} MB at end', end / 1e6)
    for process in document['processors']:
        add(f'{process["process"]} µs', process['microseconds'])
    context.results.note('together', f'everything at once: users were {rate * (seconds + WARMUP_SECONDS):,}, each once; lag is the age '
                         'of the oldest decision that was not in Postgres, once a second')
    context.say(f'everything at once: {result["rate"]:,.0f}/s, p99 {result["latency"]["p99"]:.1f} ms')
