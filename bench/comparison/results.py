"""What was measured, by table, row, column and round; medians, spread and ratios of it. No I/O."""

from statistics import median


class Ratio:
    """Of two rows, round by round: what is common to both, such as a busy machine, is in neither."""

    def __init__(self, values):
        self.median = median(values)
        self.least = min(values)
        self.greatest = max(values)


class Results:
    def __init__(self):
        self._values = {}
        self.notes = {}

    def add(self, table, row, column, value, turn=1):
        """`turn`: the round that the value is of."""
        self._values.setdefault(table, {}).setdefault(row, {}).setdefault(column, {})[turn] = value

    def order(self, table, rows):
        """The rows of a table in the order to show, since rounds begin with another one each time."""
        for row in rows:
            self._values.setdefault(table, {}).setdefault(row, {})

    def note(self, subject, text):
        """What a reader should know beside the figures; the last one of a subject counts."""
        self.notes[subject] = text

    def tables(self):
        return [table for table in self._values if self.rows(table)]

    def rows(self, table):
        return [row for row, columns in self._values.get(table, {}).items() if columns]

    def columns(self, table):
        columns = []
        for row in self._values[table].values():
            columns += [column for column in row if column not in columns]
        return columns

    def values(self, table, row, column):
        """By round; none where nothing was measured."""
        return list(self._values.get(table, {}).get(row, {}).get(column, {}).values())

    def median(self, table, row, column):
        values = self.values(table, row, column)
        return median(values) if values else None

    def spread(self, table, row, column):
        """Half of the range, as a part of the median: how far a single round can be off."""
        values = self.values(table, row, column)
        middle = median(values) if values else 0
        return (max(values) - min(values)) / 2 / middle if middle and len(values) > 1 else None

    def ratio(self, left, right):
        """Of two (table, row, column), over the rounds that have both; `None`: there is none."""
        ours, theirs = (self._values.get(table, {}).get(row, {}).get(column, {}) for table, row, column in (left, right))
        values = [ours[turn] / theirs[turn] for turn in ours if theirs.get(turn)]
        return Ratio(values) if values else None

    def best(self, table, rows, column, of=max):
        """The row with the best median."""
        found = [row for row in rows if self.values(table, row, column)]
        return of(found, key=lambda row: self.median(table, row, column)) if found else None
