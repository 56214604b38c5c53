"""bench/compare: its options, and the order in which it does things."""

import argparse
import datetime
import os
import shutil
import signal
import sys
import tempfile
import traceback

from . import bars, chart, drain, generator, latency, machine, memory, modes, postgres, report, rounds, storm, sweep, together
from .context import FULL, QUICK, Context
from .failure import Discarded, Failure, WrongUse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WRONG_USE, UNAVAILABLE = 64, 69
# What each section measures. They run in this order.
SECTIONS = {
    'rates': 'redemptions/s over HTTP: Redeem, Webdis, nginx + Lua; by redeem bench and by wrk; processor time of each process',
    'sweep': 'redemptions/s with 1 to 1,024 connections; with --before, beside an earlier Redeem',
    'redis-benchmark': 'redis-benchmark -P 16 with the same script, one call for each redemption, beside Redeem',
    'postgres': 'Postgres alone: a transaction with SELECT … FOR UPDATE, through pgbench',
    'latency': 'p50 and p99 of each side at 70% of the better peer\'s rate, open loop (needs rates)',
    'storm': 'sold_out answers/s, beside redemptions/s',
    'modes': 'mode local beside relaxed, 64 and 1,024 connections (and ledger, where the server offers it)',
    'drain': 'how fast a backlog of 1,000,000 redemptions gets into Postgres',
    'memory': 'memory of the server with 10,000 idle connections, and of Redis for each user',
    'generator': 'what the generators can do: redeem bench --closed beside wrk -t1',
    'together': 'everything at once, in mode local: the highest rate that is sustained, then 70% of it for a minute',
}
IN_ROUNDS = ('rates', 'redis-benchmark', 'postgres')
ALONE = {'sweep': sweep.run, 'latency': latency.run, 'storm': storm.run, 'modes': modes.run, 'drain': drain.run, 'memory': memory.run,
         'generator': generator.run, 'together': together.run}
TOOLS = ('redis-server', 'redis-benchmark', 'psql', 'webdis', 'nginx', 'wrk')


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise WrongUse(f'{message}; see bench/compare --help')


def parser():
    sections = '\n'.join(f'  {name:<16} {about}' for name, about in SECTIONS.items())
    made = Parser(
        prog='bench/compare', formatter_class=argparse.RawDescriptionHelpFormatter,
        description='Measures Redeem beside other ways to do the same redemptions, in alternating rounds of one run. Prints\n'
                    'medians, ratios and the bars that must be met. It starts Redis, Postgres, servers and peers of its own, on\n'
                    'loopback, and stops them whatever happens.',
        epilog=f'sections:\n{sections}\n\n'
               'examples:\n'
               '  bench/compare                               everything, in about half an hour; writes bench/results/<date>.md and .svg\n'
               '  bench/compare --quick                       everything, less exactly, in about 8 minutes; writes nothing\n'
               '  bench/compare --only rates --rounds 9       one section, with more rounds\n'
               '  bench/compare --only sweep --before ../earlier/.build/release/redeem\n'
               '  bench/compare --only drain,memory --results /tmp\n\n'
               'exit code: 0, also if bars are missed; 1 if a section failed or, with --strict, a bar was missed; 64 for wrong use;\n'
               '69 if something cannot start. It needs a release build (make release) and the packages of scripts/setup bench.')
    made.add_argument('--only', metavar='SECTIONS', help='some of the sections, with commas between them')
    made.add_argument('--rounds', type=int, metavar='N', help='rounds of rates, sweep, redis-benchmark and postgres (default: 5; quick 2)')
    made.add_argument('--quick', action='store_true', help='fewer users, fewer rounds, shorter runs')
    made.add_argument('--together-rate', type=int, metavar='N', help='redemptions/s of together, instead of 70%% of the sustained rate')
    made.add_argument('--before', metavar='PATH', help='a built redeem of an earlier commit, which sweep measures too')
    made.add_argument('--results', metavar='FOLDER',
                      help='the folder for <date>.md and <date>.svg (default: bench/results, for a full run only)')
    made.add_argument('--redeem', metavar='PATH', help='the program (default: .build/release/redeem)')
    made.add_argument('--strict', action='store_true', help='exit with 1 if a bar is missed')
    return made


def sections(only):
    if only is None:
        return list(SECTIONS)
    names = only.split(',')
    for name in names:
        if name not in SECTIONS:
            raise WrongUse(f'--only: \'{name}\' is not a section; use {", ".join(SECTIONS)}')
    if 'latency' in names and 'rates' not in names:
        print('bench/compare: latency needs the rates of the same run, so they are measured too', file=sys.stderr)
        names.append('rates')
    return [name for name in SECTIONS if name in names]


def check(options, names):
    if options.rounds is not None and not 1 <= options.rounds <= 99:
        raise WrongUse(f'--rounds {options.rounds} is out of range; use 1 to 99')
    if options.together_rate is not None and not 100 <= options.together_rate <= 100_000:
        raise WrongUse(f'--together-rate {options.together_rate} is out of range; use 100 to 100000')
    if options.results and not os.path.isdir(options.results):
        raise WrongUse(f'--results: there is no folder \'{options.results}\'')
    if options.before and 'sweep' not in names:
        raise WrongUse('--before is a side of sweep, which is not measured; add it to --only, or leave --before away')
    redeem = os.path.abspath(options.redeem or f'{ROOT}/.build/release/redeem')
    before = options.before and os.path.abspath(options.before)
    for program, remedy in ((redeem, 'build it: make release'), (before, 'build it in a clone of the earlier commit: make release')):
        if program and not (os.path.isfile(program) and os.access(program, os.X_OK)):
            raise Failure(f'there is no {program}; {remedy}')
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise Failure(f'{", ".join(missing)} missing; install: scripts/setup bench')
    return redeem, before


def measure(context, names):
    """Measures section by section. If one fails, the others go on."""
    todo = [('rates', lambda: rounds.run(context, [name for name in names if name in IN_ROUNDS]))]
    todo = todo if any(name in IN_ROUNDS for name in names) else []
    todo += [(name, lambda name=name: ALONE[name](context)) for name in names if name in ALONE]
    for name, run in todo:
        try:
            run()
        except Exception as failure:
            if not context.results.tables():
                raise
            if not isinstance(failure, (Failure, Discarded, AssertionError)):
                # This is a mistake of this program. It must not lose the figures of the other sections.
                traceback.print_exc()
            context.fail(f'section {name} failed: {failure}')


def write(folder, context, about, notes):
    day = datetime.date.today().isoformat()
    drawing = chart.svg(context.results)
    if drawing:
        with open(f'{folder}/{day}.svg', 'w', encoding='utf-8') as file:
            file.write(drawing)
    with open(f'{folder}/{day}.md', 'w', encoding='utf-8') as file:
        title = f'Redeem beside its peers, {day}'
        file.write(report.markdown(context.results, about, notes, title, f'{day}.svg' if drawing else None))
    print(f'written: {folder}/{day}.md' + (f' and {day}.svg' if drawing else ''))


def compare(arguments):
    options = parser().parse_args(arguments)
    names = sections(options.only)
    redeem, before = check(options, names)
    sizes = QUICK if options.quick else FULL
    turns = options.rounds or (2 if options.quick else 5)
    folder = tempfile.mkdtemp(prefix='redeem-compare-')
    os.chmod(folder, 0o711)  # if root runs this, the servers run as another user
    context = Context(redeem, folder, turns, sizes, options.together_rate, before)
    about = machine.describe(redeem, postgres.pgbench())
    # The program's path says nothing about the run. Its commit and version are told instead.
    paths = [os.path.abspath(path) for path in (options.redeem, options.before) if path]
    told = [argument for argument in arguments
            if os.path.abspath(argument.partition('=')[2] or argument) not in paths and argument not in ('--redeem', '--before')]
    if before:
        about.append(('before', machine.program(before)))
    about += [('run', f'bench/compare {" ".join(told)}'.rstrip()),
              ('sizes', f'{turns} round{"" if turns == 1 else "s"} of {sizes.redemptions:,} redemptions a side, 64 connections; '
                        'Redis with an append-only file, written every second in mode relaxed and for its peers, for each answer '
                        'in mode local')]
    try:
        measure(context, names)
    finally:
        context.processes.stop_all()
        shutil.rmtree(folder, ignore_errors=True)
        context.say('')
    notes = list(context.results.notes.values()) + [context.quiet.told()] + context.failures
    print(report.terminal(context.results, about, notes))
    target = options.results or (None if options.quick or options.only else f'{ROOT}/bench/results')
    if target:
        os.makedirs(target, exist_ok=True)
        write(target, context, about, notes)
    missed = any(not bar.met for bar in bars.bars(context.results))
    return 1 if context.failures or options.strict and missed else 0


def main():
    # These signals stop all that was started, as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        return compare(sys.argv[1:])
    except WrongUse as wrong:
        print(f'bench/compare: {wrong}', file=sys.stderr)
        return WRONG_USE
    except Failure as failure:
        print(f'bench/compare: {failure}', file=sys.stderr)
        return UNAVAILABLE
    except KeyboardInterrupt:
        print('bench/compare: stopped', file=sys.stderr)
        return 130
