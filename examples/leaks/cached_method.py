"""lru_cache on a method: its keys have `self` in them, so the cache of the class keeps every instance."""

import functools


class Report:
    def __init__(self):
        self.rows = [(n, n * 1.5) for n in range(200)]

    @functools.lru_cache(maxsize=None)
    def total(self, column):
        return sum(row[column] for row in self.rows)


class MendedReport(Report):
    @functools.cached_property
    def totals(self):
        return {}

    def total(self, column):
        if column not in self.totals:
            self.totals[column] = sum(row[column] for row in self.rows)
        return self.totals[column]


def work():
    return Report().total(1)


def mended():
    return MendedReport().total(1)


if __name__ == "__main__":
    for _ in range(1000):
        work()
    print(Report.total.cache_info().currsize, "results")
