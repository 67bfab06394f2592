"""Generators that wait: new, in the middle, with a value on the stack, delegating, with an open file of a loop; finished ones."""

import contextlib
import itertools


def count(start):
    kept = [start]
    while True:
        sent = yield start
        kept.append(sent)
        start += 1


def outer(parts):
    label = f"outer of {len(parts)}"
    for part in parts:
        with contextlib.suppress(ValueError):
            yield from part
    return label


def held(values):
    return [values, {"kept": values}, (yield values)]  # the list and the dict wait on the stack


class Shop:
    def lines(self, order):
        total = 0
        for item in order:
            total += item
            yield self, total


new = [count(n) for n in range(50)]
begun = [count(n) for n in range(200)]
for one in begun:
    next(one)
    one.send("sent")
delegating = [outer([count(n), count(-n)]) for n in range(40)]
for one in delegating:
    next(one)
on_stack = [held([n, n + 1]) for n in range(30)]
for one in on_stack:
    next(one)
methods = [Shop().lines([1, 2, 3]) for _ in range(40)]
for one in methods:
    next(one)
finished = [iter(()) for _ in range(10)] + [count(1) for _ in range(10)]
for one in finished[10:]:
    one.close()
expressions = [(x * 2 for x in range(n)) for n in range(30)]
for one in expressions:
    next(one, None)
chained = itertools.chain.from_iterable(outer([range(n)]) for n in range(5))
next(chained, None)
