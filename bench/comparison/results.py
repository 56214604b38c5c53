"""All figures, by table, row, column and round, with their medians, spreads and ratios. No I/O."""

from statistics import median


class Ratio:
    """The ratios of two rows, one for each round. A cause that both share in a round, such as a busy machine, cancels out."""

    def __init__(self, values, clean=True):
        self.values = values
        self.clean = clean
        self.median = median(values)
        self.least = min(values)
        self.greatest = max(values)

    def above(self, limit):
        """In how many rounds the ratio is above the limit."""
        return sum(value > limit for value in self.values)

    def sign(self, limit=1):
        """Whether all rounds agree on which side of the limit they are."""
        above, of = self.above(limit), len(self.values)
        return f'above in all {of}' if above == of else f'below in all {of}' if not above else f'above in {above} of {of}'


class Results:
    def __init__(self):
        self._values = {}
        self.notes = {}

    def add(self, table, row, column, value, turn=1, clean=True):
        """`turn`: the round of the value. `clean`: nobody else used the machine. Other values count only if there is no clean one."""
        self._values.setdefault(table, {}).setdefault(row, {}).setdefault(column, {})[turn] = (value, clean)

    def _by_turn(self, table, row, column):
        found = self._values.get(table, {}).get(row, {}).get(column, {})
        clean = {turn: value for turn, (value, clean) in found.items() if clean}
        return clean or {turn: value for turn, (value, _) in found.items()}

    def order(self, table, rows):
        """Sets the order in which the rows of a table are shown, since each round begins with another row."""
        for row in rows:
            self._values.setdefault(table, {}).setdefault(row, {})

    def note(self, subject, text):
        """Adds a remark that a reader needs beside the figures. The last one about a subject counts."""
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
        """The values by round; empty if nothing was measured."""
        return list(self._by_turn(table, row, column).values())

    def median(self, table, row, column):
        values = self.values(table, row, column)
        return median(values) if values else None

    def spread(self, table, row, column):
        """Half of the range, as a share of the median. A single round may be off by so much."""
        values = self.values(table, row, column)
        middle = median(values) if values else 0
        return (max(values) - min(values)) / 2 / middle if middle and len(values) > 1 else None

    def ratio(self, left, right):
        """The ratio of two (table, row, column), over the rounds that have both. If nobody else used the machine in some of these
        rounds, only those count. `None` if no round has both."""
        ours, theirs = (self._values.get(table, {}).get(row, {}).get(column, {}) for table, row, column in (left, right))
        both = [turn for turn in ours if turn in theirs and theirs[turn][0]]
        pairs = [(ours[turn][0] / theirs[turn][0], ours[turn][1] and theirs[turn][1]) for turn in both]
        clean = [value for value, is_clean in pairs if is_clean]
        if not pairs:
            return None
        return Ratio(clean or [value for value, _ in pairs], bool(clean))

    def best(self, table, rows, column, of=max):
        """The row with the best median."""
        found = [row for row in rows if self.values(table, row, column)]
        return of(found, key=lambda row: self.median(table, row, column)) if found else None
