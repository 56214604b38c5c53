"""Bars of requests a second for each side, as one SVG without other files, readable on light and dark. No I/O."""

from html import escape

from . import ceiling, modes, postgres, rounds, storm, sweep
from .arena import REDEEM, SIDES
from .measure import RATE

WIDTH, LEFT, RIGHT, BAR, GAP, TITLE = 760, 236, 150, 22, 8, 40
# Colours with enough contrast on a white and on a dark page. The background is the page's.
OURS = (REDEEM, sweep.BEFORE)
STYLE = '''
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .ours { fill: #1a7f5a }
  .theirs { fill: #8c959f }
  .range { stroke: #1f2328; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .ours { fill: #3fb984 }
    .theirs { fill: #6e7681 }
    .range { stroke: #e6edf3 }
  }'''


def groups(results):
    """The groups that were measured: (title, rows of (label, table, row, is ours), reference row)."""
    http = [(side, rounds.BENCH, side, side == REDEEM) for side in SIDES]
    limits = [(ceiling.ROW, rounds.CEILING, ceiling.ROW, False), (postgres.ROW, rounds.POSTGRES, postgres.ROW, False)]
    wanted = [
        ('Redemptions a second over HTTP, 64 connections (redeem bench)', http + limits),
        ('The same, driven by wrk', [(side, rounds.WRK, side, side == REDEEM) for side in SIDES]),
        *((f'{connections:,} connections (redeem bench)', [(side, sweep.table(connections, sweep.BENCH), side, side in OURS) for side in
                                                           (*SIDES, sweep.BEFORE)]) for connections in (16, 256, 1024)),
        ('Durability modes', [(f'Redeem, mode {mode}', modes.TABLE, mode, True) for mode in modes.SIDES]),
        ('Sold out', [(row, storm.TABLE, row, True) for row in (storm.SALE, storm.STORM)]),
    ]
    for title, rows in wanted:
        there = [row for row in rows if results.values(row[1], row[2], RATE)]
        if len(there) > 1:
            yield title, there


def svg(results):
    found = list(groups(results))
    if not found:
        return None
    most = max(results.median(table, row, RATE) for _, rows in found for _, table, row, _ in rows)
    scale = (WIDTH - LEFT - RIGHT) / most
    parts, y = [], 8
    for title, rows in found:
        parts.append(f'<text class="title" x="8" y="{y + 18}">{escape(title)}</text>')
        y += TITLE - 8
        _, first_table, first_row, _ = rows[0]
        for place, (label, table, row, ours) in enumerate(rows):
            rate = results.median(table, row, RATE)
            values = results.values(table, row, RATE)
            ratio = results.ratio((table, row, RATE), (first_table, first_row, RATE)) if place else None
            text = f'{rate:,.0f}/s' + (f', {ratio.median:.2f}×' if ratio else '')
            middle = y + BAR / 2
            parts.append(f'<text x="{LEFT - 10}" y="{middle + 4.5:.1f}" text-anchor="end">{escape(label)}</text>')
            parts.append(f'<rect class="{"ours" if ours else "theirs"}" x="{LEFT}" y="{y}" width="{max(1, rate * scale):.1f}" '
                         f'height="{BAR}" rx="2"><title>{escape(label)}: {text}</title></rect>')
            if len(values) > 1:
                low, high = (LEFT + min(values) * scale, LEFT + max(values) * scale)
                parts.append(f'<line class="range" x1="{low:.1f}" x2="{high:.1f}" y1="{middle:.1f}" y2="{middle:.1f}"/>')
            end = LEFT + max(rate, *values) * scale
            parts.append(f'<text x="{end + 8:.1f}" y="{middle + 4.5:.1f}">{text}</text>')
            y += BAR + GAP
        y += 14
    about = 'Bars: medians of the rounds. Lines: slowest to fastest round. ×: against the first of each group, round by round.'
    parts.append(f'<text x="8" y="{y + 6}" font-size="11" style="font-size:11px">{about}</text>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 18}" width="{WIDTH}" height="{y + 18}" role="img" '
            f'aria-label="Requests a second by side">\n<style>{STYLE}\n</style>\n' + '\n'.join(parts) + '\n</svg>\n')
