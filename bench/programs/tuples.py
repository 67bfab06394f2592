"""Build a list of 150,000 tuples, sort it, and take it apart again."""

import random

random.seed(1)
points = [(random.random(), index, str(index)) for index in range(150_000)]
points.sort()
halves = [(x / 2, (index, name)) for x, index, name in points]
by_name = sorted((name, x) for x, (index, name) in halves)
print(len(by_name), by_name[0][0], sum(index for _, (index, _) in halves))
