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

    def add(self, table, row, column, value, turn=1, clean=True):
        """`turn`: the round that the value is of. `clean`: nobody else used the machine; other values count only where there is
        no clean one."""
        self._values.setdefault(table, {}).setdefault(row, {}).setdefault(column, {})[turn] = (value, clean)

    def _by_turn(self, table, row, column):
        found = self._values.get(table, {}).get(row, {}).get(column, {})
        clean = {turn: value for turn, (value, clean) in found.items() if clean}
        return clean or {turn: value for turn, (value, _) in found.items()}

    def order(self, table, rows):
        """The rows of a table in the order to show, since rounds begin with another one each time."""
        for row in rows:
            self._values.setdefault(table, {}).setdefault(row, {})

    def note(self, subject, text):
        """What a reader should know beside the figures; the last one of a subject counts."""
        self.notes[subject] = text

    def is_clean(self, table, row, column):
        return any(clean for _, clean in self._values.get(table, {}).get(row, {}).get(column, {}).values())

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
        return list(self._by_turn(table, row, column).values())

    def median(self, table, row, column):
        values = self.values(table, row, column)
        return median(values) if values else None

    def spread(self, table, row, column):
        """Half of the range, as a part of the median: how far a single round can be off."""
        values = self.values(table, row, column)
        middle = median(values) if values else 0
        return (max(values) - min(values)) / 2 / middle if middle and len(values) > 1 else None

    def ratio(self, left, right):
        """Of two (table, row, column), over the rounds that have both. Where those are not of the same rounds, the ratio of the
        medians; `None`: one was not measured."""
        ours, theirs = self._by_turn(*left), self._by_turn(*right)
        values = [ours[turn] / theirs[turn] for turn in ours if theirs.get(turn)]
        if not values and ours and theirs:
            values = [median(ours.values()) / median(theirs.values())]
        return Ratio(values) if values else None

    def best(self, table, rows, column, of=max):
        """The row with the best median."""
        found = [row for row in rows if self.values(table, row, column)]
        return of(found, key=lambda row: self.median(table, row, column)) if found else None
