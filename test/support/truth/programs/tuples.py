"""Named tuples, nested tuples, empty ones, tuples that the collector stopped looking at, struct sequences."""

import collections
import gc
import time
import typing

Line = collections.namedtuple("Line", "number text parent", defaults=(None,))


class Stop(typing.NamedTuple):
    name: str
    minutes: int = 5
    next: "Stop | None" = None


lines = [Line(n, f"line {n}") for n in range(600)]
nested = [(n, (str(n), (n * 2.0, ()))) for n in range(400)]
children = [Line(line.number, "child", line) for line in lines[::3]]
stops = None
for n in range(200):
    stops = Stop(f"stop {n}", n, stops)
empty = [() for _ in range(10)]
times = [time.gmtime(n * 86400) for n in range(40)]
long = tuple(range(1000, 3000))
itself = ([],)
itself[0].append(itself)
gc.collect()  # from here on it leaves out tuples of numbers and texts
