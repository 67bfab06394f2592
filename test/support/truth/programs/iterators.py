"""Iterators that have begun: of every builtin container, itertools, map, filter, zip, enumerate, files of lines, tees."""

import itertools


def even(n):
    return n % 2 == 0


source = [[n] for n in range(100)]
begun = []
for number in range(30):
    begun += [
        iter(source),
        reversed(source),
        iter(tuple(source)),
        iter({n: source for n in range(5)}.items()),
        iter("text"),
        iter(b"bytes"),
        iter(range(1000, 2000)),
        enumerate(source, 10**12),
        map(even, range(500, 600)),
        filter(None, source),
        zip(source, source, range(100)),
        iter(source.copy, None),
        itertools.chain(source, (n for n in source)),
        itertools.islice(source, 2, None, 3),
        itertools.groupby(source, key=len),
        itertools.product(source[:3], repeat=2),
        itertools.combinations(source[:4], 2),
        itertools.permutations(source[:3]),
        itertools.cycle(source[:3]),
        itertools.accumulate(range(9)),
        itertools.count(10**9, 3),
        itertools.repeat(source),
        itertools.starmap(max, [(1, 2), (3, 4)]),
        itertools.zip_longest(source, [1]),
        itertools.pairwise(source),
        itertools.dropwhile(even, [2, 4, 5, 6]),
        itertools.compress(source, [1, 0, 1]),
        *itertools.tee(iter(source), 3),
    ]
for one in begun:
    next(one)
    next(one, None)
