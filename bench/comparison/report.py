"""The tables of a comparison, for a terminal and as Markdown. No I/O."""

import unicodedata

from . import pairs, sweep
from .bars import bars, number

BARS = ['what', 'bar', 'goal beyond', 'measured', 'verdict']
READ_ME = (
    'Medians of the rounds; behind each rate, half of what lies between the fastest and the slowest round. Sides take turns within a '
    'round, and each second round has them in reverse, so a ratio is the median of the ratios of single rounds, with the least and the '
    'greatest, and with how many rounds say the same; only ratios of one run say '
    'something, because everything shares the cores of one machine. Microseconds are processor time for each redemption: of the server '
    '(without Redis), of the process of Redis, of that what it spent in scripts, of the load generator.')


def cell(results, table, row, column):
    value = results.median(table, row, column)
    if value is None:
        return ''
    spread = results.spread(table, row, column) if column == 'requests/s' else None
    return number(value) + (f' ± {spread:.0%}' if spread is not None else '')


def grids(results):
    """(title, head, rows) of each table."""
    head, rows = pairs.grid(results)
    if rows:
        yield 'pair by pair', head, rows
    for title, columns, rows in sweep.grids(results):
        yield title, ['connections'] + columns, [[name] + [cell(results, *place) for place in places] for name, places in rows]
    for table in results.tables():
        if table in sweep.TABLES:
            continue
        columns = results.columns(table)
        rows = [[row] + [cell(results, table, row, column) for column in columns] for row in results.rows(table)]
        yield table, [''] + columns, rows


def bar_grid(results):
    return BARS, [bar.cells for bar in bars(results)]


def width(text):
    return sum(0 if unicodedata.combining(letter) else 1 for letter in text)


def for_terminal(head, rows):
    widths = [max(width(row[place]) for row in [head, *rows]) for place in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [text + ' ' * (size - width(text)) if not place else ' ' * (size - width(text)) + text
                 for place, (text, size) in enumerate(zip(row, widths))]
        lines.append('  '.join(cells).rstrip())
    return '\n'.join(lines)


def terminal(results, about, notes):
    width_of_name = max(len(name) for name, _ in about)
    parts = ['\n'.join(f'{name:<{width_of_name}}  {text}' for name, text in about)]
    parts += [f'{title}\n{for_terminal(head, rows)}' for title, head, rows in grids(results)]
    head, rows = bar_grid(results)
    if rows:
        # These columns have text, which aligns to the left.
        widths = [max(width(row[place]) for row in [head, *rows]) for place in range(len(head))]
        lines = ['  '.join(text + ' ' * (size - width(text)) for text, size in zip(row, widths)).rstrip() for row in [head, *rows]]
        parts.append('\n'.join(lines))
    if notes:
        parts.append('\n'.join(f'- {note}' for note in notes))
    return '\n\n'.join(parts) + '\n'


def markdown_table(head, rows, align_right):
    rule = ['---'] + ['---:' if align_right else '---'] * (len(head) - 1)
    return '\n'.join('| ' + ' | '.join(cell.replace('|', '\\|') for cell in row) + ' |' for row in [head, rule, *rows])


def markdown(results, about, notes, title, chart=None):
    parts = [f'# {title}']
    if chart:
        parts.append(f'![Requests a second by side]({chart})')
    parts += [markdown_table(['', ''], [[name, text] for name, text in about], False), READ_ME]
    head, rows = bar_grid(results)
    if rows:
        parts += ['## What is to be reached', markdown_table(head, rows, False)]
    for name, head, rows in grids(results):
        parts += [f'## {name[0].upper()}{name[1:]}', markdown_table(head, rows, True)]
    if notes:
        parts += ['## Notes', '\n'.join(f'- {note}' for note in notes)]
    return '\n\n'.join(parts) + '\n'
