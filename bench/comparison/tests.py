"""Tests of what computes and draws. Run them with: cd bench && python3 -B -m unittest comparison.tests"""

import base64
import json
import unittest
import xml.etree.ElementTree as xml

from . import bars, chart, command, latency, modes, prepared, redis, report, rounds, together
from .arena import NGINX, REDEEM, WEBDIS
from .failure import Failure, WrongUse
from .measure import P99, RATE
from .results import Results


def rates(values):
    """By side, one value a round."""
    results = Results()
    for side, of_rounds in values.items():
        for turn, value in enumerate(of_rounds, 1):
            results.add(rounds.BENCH, side, RATE, value, turn)
    return results


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
        # No round has both: the ratio of the medians.
        self.assertEqual(results.ratio((rounds.BENCH, REDEEM, RATE), (rounds.BENCH, WEBDIS, RATE)).median, 3.1)

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
        self.assertEqual([bar.cells[1:] for bar in bars.bars(results)], [['≤ 5 ms', '≤ 2.5 ms', '4.00 ms', 'met']])

    def test_memory_that_grows_misses_its_bar(self):
        results = Results()
        for column, value in {'asked for/s': 15000, RATE: 14990, P99: 20, 'lag at most s': 0.5, 'server MB at start': 50,
                              'server MB at end': 60}.items():
            results.add(together.TABLE, together.ROW, column, value)
        self.assertEqual([bar.verdict for bar in bars.bars(results)], ['met', 'met', 'met', 'missed'])

    def test_numbers_have_three_digits(self):
        self.assertEqual([bars.number(value) for value in (0.1234, 1.234, 12.34, 1234.5)], ['0.12', '1.23', '12.3', '1,234'])
        self.assertEqual([bars.limit(value) for value in (0.7, 2, 60_000, 2.3456)], ['0.7', '2', '60,000', '2.35'])


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


class RequestsTest(unittest.TestCase):
    def test_a_tail_is_the_end_of_a_uuid_of_version_7(self):
        for _ in range(200):
            self.assertRegex(prepared.tail(), r'^7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$')

    def test_user_and_session_are_in_the_token(self):
        claims = base64.urlsafe_b64encode(json.dumps({'sub': 'u', 'sid': 's'}).encode()).rstrip(b'=').decode()
        line = prepared.evalsha(f'h.{claims}.s', 'sale', 'd' * 64, 'abc')
        self.assertTrue(line.startswith('GET /EVALSHA/abc/4/%7Bs0%7D:coupon:sale/%7Bs0%7D:outbox/%7Bs0%7D:user:u/%7Bs0%7D:session:s/10/'))

    def test_commands_of_redis_have_lengths_in_bytes(self):
        self.assertEqual(redis.encode(['SET', 'ü', 5]), b'*3\r\n$3\r\nSET\r\n$2\r\n\xc3\xbc\r\n$1\r\n5\r\n')


class CommandTest(unittest.TestCase):
    def test_sections_are_in_their_order_and_bring_what_they_need(self):
        self.assertEqual(command.sections(None), list(command.SECTIONS))
        self.assertEqual(command.sections('drain,rates'), ['rates', 'drain'])
        self.assertEqual(command.sections('latency'), ['rates', 'latency'])

    def test_wrong_use_is_named(self):
        for arguments, problem in {
                ('--only', 'speed'): '\'speed\' is not a section', ('--rounds', '0'): '--rounds 0 is out of range',
                ('--rounds', 'x'): 'invalid int value', ('--results', '/nowhere'): 'there is no folder',
                ('--together-rate', '1'): '--together-rate 1 is out of range', ('--fast',): 'unrecognized arguments'}.items():
            with self.assertRaisesRegex(WrongUse, problem):
                command.compare(list(arguments))
        with self.assertRaisesRegex(Failure, 'there is no /nowhere'):
            command.compare(['--redeem', '/nowhere'])


if __name__ == '__main__':
    unittest.main()
