"""Decorators: wraps, lru_cache with and without a limit, cached properties, partial, single dispatch, static and class methods."""

import functools
import operator


def traced(function):
    calls = []

    @functools.wraps(function)
    def wrapper(*args, **options):
        calls.append(args)
        return function(*args, **options)

    wrapper.calls = calls
    return wrapper


@functools.lru_cache(maxsize=64)
def squares(n):
    return [n, n * n]


@functools.cache
def pairs(a, b=None, *, c=()):
    return {a: b, "c": c}


class Shape:
    registry = {}

    def __init__(self, side):
        self.side = side

    @functools.cached_property
    def area(self):
        return [self.side**2]

    @functools.lru_cache(maxsize=None)
    def scaled(self, by):
        return self, by

    @property
    def double(self):
        return self.side * 2

    @classmethod
    @traced
    def make(cls, side):
        return cls(side)

    @staticmethod
    def unit():
        return 1


@functools.singledispatch
def show(value):
    return repr(value)


@show.register
def _(value: int):
    return f"number {value}"


for n in range(200):
    squares(n)
    pairs(n, str(n))
    pairs(n, c=(n,))
shapes = [Shape.make(n) for n in range(200)]
for shape in shapes:
    shape.area
    shape.scaled(2)
shown = [show(n) for n in range(20)] + [show("text")]
partials = [functools.partial(traced(squares), n) for n in range(50)]
partials += [functools.partial(one, key=[1]) for one in partials[:10]]
getters = [operator.attrgetter("side", "area"), operator.itemgetter(1, 2), operator.methodcaller("f", [1], a=2)]
bound = [shape.make for shape in shapes] + [[].append, {}.get, "text".join]
comparing = [functools.cmp_to_key(operator.sub)(n) for n in range(20)]
