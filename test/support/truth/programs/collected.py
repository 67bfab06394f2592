"""The module collections, and sets: counters, defaults, ordered dictionaries, chains, user types, sets with holes."""

import collections
import types

words = "the quick brown fox jumps over the lazy dog".split()
counts = [collections.Counter(words * n) for n in range(30)]
groups = collections.defaultdict(list)
for number in range(500):
    groups[number % 17].append((number, words[number % 9]))
nested = collections.defaultdict(lambda: collections.defaultdict(set))
for number in range(300):
    nested[number % 5][words[number % 9]].add(number)
ordered = collections.OrderedDict((n, [n]) for n in range(200))
for n in range(0, 200, 5):
    ordered.move_to_end(n)
    del ordered[n + 1]
ordered.note = "an attribute"
chain = collections.ChainMap({}, groups, ordered)
users = [collections.UserDict(a=n, b=[n]) for n in range(20)] + [collections.UserList([1, 2])]
sets = [set(range(n)) for n in range(0, 200, 10)]
for one in sets:
    one.discard(3)
of_texts = {f"member {n}" for n in range(500)}
of_pairs = {(n, str(n)) for n in range(200)}
frozen = [frozenset((n, (n,), frozenset([n]))) for n in range(100)]
spaces = [types.SimpleNamespace(n=n, inner=types.SimpleNamespace(n=[n])) for n in range(50)]
proxy = types.MappingProxyType(groups)
running = iter(of_pairs)
next(running)
