"""Tests of the parts that compute and draw. Run them with: cd bench && python3 -B -m unittest comparison.tests"""

import base64
import contextlib
import io
import json
import socket
import unittest
import unittest.mock
import urllib.parse
import uuid
import xml.etree.ElementTree as xml
from types import SimpleNamespace

from . import bars, chart, command, latency, load, modes, pairs, prepared, redis, report, rounds, storm, sweep, together
from .arena import NGINX, REDEEM, WEBDIS
from .context import QUICK, Context
from .failure import Discarded, Failure, WrongUse
from .measure import P99, RATE, REDIS, SERVER, in_turn
from .results import Ratio, Results
from .watch import Samples


def rates(values):
    """Results with these rates for each side, one value for each round."""
    results = Results()
    for side, of_rounds in values.items():
        for turn, value in enumerate(of_rounds, 1):
            results.add(rounds.BENCH, side, RATE, value, turn)
    return results


class OrderTest(unittest.TestCase):
    def test_each_second_round_is_the_one_before_in_reverse(self):
        self.assertEqual([''.join(in_turn('AB', turn)) for turn in range(4)], ['AB', 'BA', 'AB', 'BA'])
        self.assertEqual([''.join(in_turn('ABC', turn)) for turn in range(6)], ['ABC', 'CBA', 'BCA', 'ACB', 'CAB', 'BAC'])
        for sides in ('ABC', 'ABCD', 'ABCDEFGH'):
            orders = [in_turn(sides, turn) for turn in range(2 * len(sides))]
            for first, second in zip(orders[::2], orders[1::2]):
                self.assertEqual(first, second[::-1])
            for before, after in zip(orders, orders[1:]):
                self.assertNotEqual(before[0], after[0])
            # No side is favoured: each is in each place equally often.
            for place in range(len(sides)):
                self.assertEqual(sorted(order[place] for order in orders), sorted(2 * list(sides)))


class ResultsTest(unittest.TestCase):
    def test_a_ratio_is_that_of_single_rounds(self):
        results = rates({REDEEM: [30, 10, 60], WEBDIS: [20, 5, 30]})
        ratio = results.ratio((rounds.BENCH, REDEEM, RATE), (rounds.BENCH, WEBDIS, RATE))
        self.assertEqual((ratio.median, ratio.least, ratio.greatest), (2, 1.5, 2))
        self.assertEqual(results.median(rounds.BENCH, REDEEM, RATE), 30)
        self.assertAlmostEqual(results.spread(rounds.BENCH, REDEEM, RATE), 50 / 2 / 30)

    def test_rounds_that_one_side_lacks_are_in_no_ratio(self):
        results = rates({REDEEM: [30, 10]})
        results.add(rounds.BENCH, WEBDIS, RATE, 5, 2)
        self.assertEqual(results.ratio((rounds.BENCH, REDEEM, RATE), (rounds.BENCH, WEBDIS, RATE)).median, 2)
        self.assertIsNone(results.ratio((rounds.BENCH, REDEEM, RATE), (rounds.BENCH, NGINX, RATE)))

    def test_disturbed_rounds_count_only_where_there_are_no_others(self):
        results = rates({REDEEM: [30, 32]})
        results.add(rounds.BENCH, REDEEM, RATE, 5, 3, clean=False)
        results.add(rounds.BENCH, WEBDIS, RATE, 10, 3, clean=False)
        self.assertEqual(results.median(rounds.BENCH, REDEEM, RATE), 31)
        self.assertEqual(results.median(rounds.BENCH, WEBDIS, RATE), 10)
        self.assertTrue(bars.bars(results)[0].cells[3].endswith(', disturbed'))
        # Only this round has both, so it counts though it was disturbed.
        self.assertEqual(results.ratio((rounds.BENCH, REDEEM, RATE), (rounds.BENCH, WEBDIS, RATE)).median, 0.5)
        results.add(rounds.BENCH, WEBDIS, RATE, 10, 1)
        ratio = results.ratio((rounds.BENCH, REDEEM, RATE), (rounds.BENCH, WEBDIS, RATE))
        self.assertEqual((ratio.values, ratio.clean), ([3], True))

    def test_ratios_are_of_the_same_round_and_say_whether_all_agree(self):
        results = rates({REDEEM: [30, 10, 8], WEBDIS: [20, 5]})
        results.add(rounds.BENCH, WEBDIS, RATE, 100, 4)
        ratio = results.ratio((rounds.BENCH, REDEEM, RATE), (rounds.BENCH, WEBDIS, RATE))
        self.assertEqual(ratio.values, [1.5, 2])
        self.assertEqual([Ratio(values).sign() for values in ([1.1, 2], [0.9, 0.5], [0.9, 1.2, 1.3])],
                         ['above in all 2', 'below in all 2', 'above in 2 of 3'])

    def test_rows_without_a_value_are_not_shown(self):
        results = Results()
        results.order('a', ['x', 'y'])
        self.assertEqual(results.tables(), [])
        results.add('a', 'y', RATE, 1)
        results.add('a', 'x', RATE, 1)
        self.assertEqual(results.rows('a'), ['x', 'y'])


class BarsTest(unittest.TestCase):
    def test_redeem_is_measured_against_the_better_peer(self):
        found = bars.bars(rates({REDEEM: [32, 32], WEBDIS: [20, 20], NGINX: [16, 16]}))
        self.assertEqual([(bar.measured, bar.verdict) for bar in found], [(1.6, 'met')])
        self.assertIn(WEBDIS, found[0].what)
        self.assertEqual(bars.bars(rates({REDEEM: [29], WEBDIS: [20]}))[0].verdict, 'missed')
        self.assertEqual(bars.bars(rates({REDEEM: [40], WEBDIS: [20]}))[0].verdict, 'met, and the goal')

    def test_a_latency_must_not_be_above_that_of_the_faster_peer(self):
        results = Results()
        for side, value in {REDEEM: 4, WEBDIS: 5, NGINX: 9}.items():
            results.add(latency.TABLE, side, P99, value)
        self.assertEqual([bar.cells[1:] for bar in bars.bars(results)], [['≤ 1×', '≤ 0.5×', '0.80× (0.80 to 0.80; 1 round)', 'met']])

    def test_a_ratio_says_in_how_many_rounds_its_bar_is_reached(self):
        found = bars.bars(rates({REDEEM: [32, 28, 31], WEBDIS: [20, 20, 20]}))
        self.assertEqual(found[0].cells[3], '1.55× (1.40 to 1.60; the bar is reached in 2 of 3 rounds)')
        found = bars.bars(rates({REDEEM: [32, 31], WEBDIS: [20, 20]}))
        self.assertIn('in all 2 rounds', found[0].cells[3])

    def test_processor_time_is_measured_against_webdis(self):
        results = Results()
        for side, server, of_redis in ((REDEEM, 18, 7), (WEBDIS, 27, 28), (NGINX, 10, 40)):
            results.add(rounds.BENCH, side, SERVER, server)
            results.add(rounds.BENCH, side, REDIS, of_redis)
        found = bars.bars(results)
        self.assertEqual([(round(bar.measured, 3), bar.verdict) for bar in found[:2]], [(0.667, 'met'), (0.25, 'met, and the goal')])
        # The figure about one core of Redis has no bar.
        self.assertEqual([found[2].cells[1:3], found[2].verdict, found[2].met], [['', ''], '', True])
        self.assertEqual(found[2].cells[3], '142,857/s; 35,714 with one call each (Webdis)')

    def test_connections_have_bars_of_their_own(self):
        results = Results()
        for connections in sweep.CONNECTIONS:
            for side, value in {REDEEM: 28, WEBDIS: 20, NGINX: 22, sweep.BEFORE: 28 if connections != 4 else 29}.items():
                results.add(sweep.table(connections, sweep.BENCH), side, RATE, value)
        found = [bar for bar in bars.bars(results) if 'against the better peer, nginx + Lua, driven by redeem bench' in bar.what]
        self.assertEqual([bar.what.split(',')[1].strip() for bar in found], ['16 connections', '256 connections', '1'])
        self.assertEqual({bar.verdict for bar in found}, {'missed'})
        slowest = [bar for bar in bars.bars(results) if 'slower than before' in bar.what]
        self.assertEqual([(round(bar.measured, 2), bar.verdict) for bar in slowest], [(0.97, 'missed')])
        self.assertIn('at 4 (', slowest[0].more)

    def test_sold_out_is_measured_with_keys(self):
        results = Results()
        for row, value in {storm.SALE: 20, storm.STORM: 60, storm.ASKED: 28}.items():
            results.add(storm.TABLE, row, RATE, value)
        self.assertEqual([(bar.measured, bar.verdict) for bar in bars.bars(results)], [(1.4, 'missed')])

    def test_everything_at_once_has_a_bar_for_its_worst_second_and_its_cores(self):
        results = Results()
        for column, value in {RATE: 20_000, together.CORES: 0.88}.items():
            results.add(together.TABLE, together.HIGHEST, column, value)
        for column, value in {together.ASKED: 14000, together.SHARE: 0.7, RATE: 13_990, P99: 20, together.LAG: 0.5,
                              'server MB at start': 50, 'server MB at end': 60}.items():
            results.add(together.TABLE, together.RUN, column, value)
        for second, value in {'1': 20, '2': 250, '3': 30}.items():
            results.add(together.SECONDS, second, together.MAX, value)
        found = bars.bars(results)
        self.assertEqual([bar.verdict for bar in found], ['missed', 'met', 'met', 'missed', 'met', 'missed'])
        self.assertEqual(found[0].cells[3], '88.0 % at 20,000/s')
        self.assertEqual(found[3].cells[3], '250 ms in second 2')

    def test_numbers_have_three_digits(self):
        self.assertEqual([bars.number(value) for value in (0.1234, 1.234, 12.34, 1234.5)], ['0.12', '1.23', '12.3', '1,234'])
        self.assertEqual([bars.limit(value) for value in (0.7, 2, 60_000, 2.3456)], ['0.7', '2', '60,000', '2.35'])


class WrkTest(unittest.TestCase):
    def run_wrk(self, rate, cpu):
        said = (f'answers 100 in 1.000 s: {rate} a second; p50 3.00 ms, p99 9.00 ms; socket errors 0\n'
                f'cpu {cpu:.2f} us of wrk for each\noutcome expected 100\n')
        context = SimpleNamespace(processes=SimpleNamespace(must=lambda *_: said))
        return load.run_wrk(context, 'http://127.0.0.1:1', 'replay.lua', 100, 'expected', {})

    def test_a_run_in_which_wrk_used_its_whole_core_does_not_count(self):
        run = self.run_wrk(50_000, 11)
        self.assertEqual([run.rate, run.p50, run.p99, run.cpu], [50_000, 3, 9, 11])
        with self.assertRaisesRegex(Discarded, 'wrk had no time left: it used 244 µs a request itself, 1.00 of its core'):
            self.run_wrk(4_100, 244)


class ReportTest(unittest.TestCase):
    def test_the_tables_have_what_was_measured(self):
        results = rates({REDEEM: [30_000, 32_000], WEBDIS: [20_000, 20_000]})
        text = report.markdown(results, [('machine', 'a|b')], ['a note'], 'Title', 'x.svg')
        self.assertIn('| Redeem | 31,000 ± 3% |', text)
        self.assertIn('| machine | a\\|b |', text)
        self.assertIn('- a note', text)
        lines = report.terminal(results, [('machine', 'x')], []).splitlines()
        self.assertIn('Redeem  31,000 ± 3%', lines)

    def test_the_chart_is_xml_with_a_bar_for_each_side(self):
        results = rates({REDEEM: [30, 31], WEBDIS: [20, 22], 'x < y & z': [1, 2]})
        results.add(modes.TABLE, modes.LOCAL, RATE, 5)
        drawing = xml.fromstring(chart.svg(results))
        self.assertEqual(len(drawing.findall('{http://www.w3.org/2000/svg}rect')), 2)
        self.assertIsNone(chart.svg(Results()))


    def test_connections_are_one_table_and_pairs_another(self):
        results = Results()
        for connections in (1, 1024):
            for side, value in {REDEEM: 30_000, WEBDIS: 20_000}.items():
                results.add(sweep.table(connections, sweep.WRK), side, RATE, value)
        grids = list(report.grids(results))
        self.assertEqual([title for title, _, _ in grids], ['pair by pair', 'by connections, driven by wrk'])
        self.assertEqual([row[:3] for row in grids[1][2]], [['1', '30,000', '20,000'], ['1,024', '30,000', '20,000']])
        self.assertEqual(grids[0][2][0], ['1 connection, by wrk: Redeem / Webdis', '1.50', '1.50', '1.50', 'above in all 1'])
        self.assertEqual(pairs.grid(Results())[1], [])


class TogetherTest(unittest.TestCase):
    def test_between_two_samples_it_goes_straight(self):
        samples = Samples()
        for moment, value in ((10, 1.0), (11, 2.0), (13, 2.0)):
            samples.add(moment, value)
        self.assertEqual([samples.at(moment) for moment in (9, 10, 10.25, 11, 12, 14)], [1, 1, 1.25, 2, 2, 2])
        self.assertEqual(samples.within(10.5, 13), [2.0, 2.0])
        for moment, value in ((14, 1.5), (15, 3.0), (16, 0)):
            samples.add_growing(moment, value)
        self.assertEqual([samples.at(moment) for moment in (14, 15, 17)], [2.5, 3, 3])

    def test_seconds_are_those_that_were_measured(self):
        def entry(end, length, warmup=False, longest=3):
            return {'end': end, 'length': length, 'isWarmup': warmup, 'answered': 100, 'rate': 100, 'p50': 1, 'p99': 2, 'max': longest}
        series = [entry(1, 1, True), entry(2, 1, True), entry(3, 1), entry(4, 1), entry(4.25, 0.25, longest=300)]
        result = {'beganAt': 1000, 'warmup': 2, 'series': series}
        told = dict(together.by_second(result, lambda begin, end: {'server': end - begin, 'Redis': 0.5}))
        self.assertEqual(list(told), ['1', '2'])
        # Answers after the end count in the last second.
        self.assertEqual((told['2'][RATE], told['2'][together.MAX], told['2']['server']), (160, 300, 1.25))
        self.assertEqual(told['1'], {RATE: 100, 'p50 ms': 1, P99: 2, together.MAX: 3, 'server': 1, 'Redis': 0.5})

    def test_a_rate_is_sustained_when_it_is_kept_and_nothing_falls_behind(self):
        self.assertTrue(together.is_sustained(20_000, None, [0.1, 1.9]))
        self.assertFalse(together.is_sustained(20_000, None, [0.1, 2.1]))
        self.assertTrue(together.is_sustained(19_900, 20_000, []))
        self.assertFalse(together.is_sustained(19_700, 20_000, []))


class RequestsTest(unittest.TestCase):
    def test_a_tail_is_the_end_of_a_uuid_of_version_7(self):
        for _ in range(200):
            tail = prepared.tail()
            self.assertEqual(len(tail), 14)
            identifier = uuid.UUID(bytes=base64.urlsafe_b64decode(f'AAAAAAAA{tail}=='))
            self.assertEqual((identifier.version, identifier.variant), (7, uuid.RFC_4122))
            self.assertEqual(prepared.base64url(identifier)[8:], tail)

    def test_user_and_session_are_in_the_token(self):
        user = '019abcde-f012-7000-8000-000000000000'
        claims = base64.urlsafe_b64encode(json.dumps({'sub': user, 'sid': 's'}).encode()).rstrip(b'=').decode()
        line = prepared.evalsha(f'h.{claims}.s', 'sale', 'd' * 64, 'abc')
        self.assertTrue(line.startswith('GET /EVALSHA/abc/4/%7Bs0%7D:coupon:sale/%7Bs0%7D:outbox/%7Bs0%7D:users/%7Bs0%7D:session:s/10/'))
        self.assertTrue(line.endswith('/' + 'd' * 64))
        self.assertEqual(len(line.split('/')), 13)
        blob = urllib.parse.unquote_to_bytes(line.split('/')[-2])
        self.assertEqual((blob[:16], len(blob)), (uuid.UUID(user).bytes, 30))

    def test_a_call_has_keys_and_arguments_for_each_request(self):
        call = prepared.call('abc', 'sale', 'd', [(b'u', 's', 't'), (b'v', 'r', 'w')])
        self.assertEqual(call[:3], ['EVALSHA', 'abc', 5])
        self.assertEqual(call[5:8], ['{s0}:users', '{s0}:session:s', '{s0}:session:r'])
        self.assertEqual(call[11:], [b'uvtw', 'd'])

    def test_a_key_is_sent_where_it_is_asked_for(self):
        self.assertTrue(prepared.redemption('t', 'sale', 'C', 'k-1').endswith('\tIdempotency-Key: k-1'))
        self.assertNotIn('Idempotency', prepared.redemption('t', 'sale', 'C'))

    def test_commands_of_redis_have_lengths_in_bytes(self):
        self.assertEqual(redis.encode(['SET', 'ü', 5]), b'*3\r\n$3\r\nSET\r\n$2\r\n\xc3\xbc\r\n$1\r\n5\r\n')

    def test_replies_of_redis_may_be_bytes(self):
        ours, theirs = socket.socketpair()
        with ours, theirs, unittest.mock.patch.object(socket, 'create_connection', return_value=ours):
            theirs.sendall(b'+OK\r\n*2\r\n$3\r\n\xff\r\n\r\n$-1\r\n')
            client = redis.Redis('localhost', 1, 'x')
            text, nothing = client.call('XRANGE')
            client.close()
        self.assertEqual((text.encode(errors='surrogateescape'), nothing), (b'\xff\r\n', None))

    def test_nginx_gets_bytes_behind_a_question_mark(self):
        claims = base64.urlsafe_b64encode(json.dumps({'sub': str(uuid.UUID(int=0)), 'sid': 's'}).encode()).decode()
        line = prepared.evalsha(f'h.{claims}.s', 'sale', 'd' * 64, 'abc', '?')
        self.assertTrue(line.startswith('GET /EVALSHA?abc/4/'))
        self.assertNotIn('%00', line.partition('?')[0])


class CommandTest(unittest.TestCase):
    def test_a_mistake_in_one_section_costs_no_other(self):
        context = Context('redeem', '/nowhere', 1, QUICK)
        context.results.add('a table', 'a row', RATE, 1)
        sections = {'drain': lambda context: {}['mistake'], 'memory': lambda context: context.results.add('b', 'r', RATE, 2)}
        with unittest.mock.patch.dict(command.ALONE, sections), contextlib.redirect_stderr(io.StringIO()):
            command.measure(context, ['drain', 'memory'])
        self.assertEqual(len(context.failures), 1)
        self.assertEqual(context.results.median('b', 'r', RATE), 2)

    def test_sections_are_in_their_order_and_bring_what_they_need(self):
        self.assertEqual(command.sections(None), list(command.SECTIONS))
        self.assertEqual(command.sections('drain,rates'), ['rates', 'drain'])
        self.assertEqual(command.sections('latency'), ['rates', 'latency'])

    def test_wrong_use_is_named(self):
        for arguments, problem in {
                ('--only', 'speed'): '\'speed\' is not a section', ('--rounds', '0'): '--rounds 0 is out of range',
                ('--rounds', 'x'): 'invalid int value', ('--results', '/nowhere'): 'there is no folder',
                ('--together-rate', '1'): '--together-rate 1 is out of range',
                ('--only', 'drain', '--before', '/x'): '--before is a side of sweep', ('--fast',): 'unrecognized arguments'}.items():
            with self.assertRaisesRegex(WrongUse, problem):
                command.compare(list(arguments))
        with self.assertRaisesRegex(Failure, 'there is no /nowhere'):
            command.compare(['--redeem', '/nowhere'])


if __name__ == '__main__':
    unittest.main()
