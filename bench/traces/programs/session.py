"""A long mixed session, as in a notebook: data come, are kept for a while, and go."""

import csv
import hashlib
import heapq
import io
import random
import string
import textwrap
from collections import OrderedDict, deque
from contextlib import suppress
from functools import lru_cache
from operator import itemgetter

random.seed(20)


class Cache:
    """The results that were used last."""

    def __init__(self, limit):
        self.limit = limit
        self.items = OrderedDict()

    def get(self, key, make):
        """The result of this key, made where it is not known any more."""
        if key in self.items:
            self.items.move_to_end(key)
        else:
            self.items[key] = make(key)
            if len(self.items) > self.limit:
                self.items.popitem(last=False)
        return self.items[key]


@lru_cache(maxsize=500)
def distance(one, other):
    """How many letters have to be changed to get from one word to the other."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def word():
    """A word that nobody knows."""
    return "".join(random.choices(string.ascii_lowercase, k=random.randint(3, 9)))


def table(rows):
    """A CSV file of so many rows."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["name", "amount", "group"])
    writer.writerows([word(), random.randint(1, 10**6), random.choice("abcdef")] for _ in range(rows))
    return file.getvalue()


def shortest(graph, start):
    """The lengths of the shortest ways from here."""
    found, queue = {}, [(0, start)]
    while queue:
        length, place = heapq.heappop(queue)
        if place not in found:
            found[place] = length
            for other, step in graph[place].items():
                if other not in found:
                    heapq.heappush(queue, (length + step, other))
    return found


def page(seed):
    """A text with its checksum."""
    text = " ".join(f"{word()} {seed}" for _ in range(120))
    return textwrap.fill(text, 60), hashlib.sha256(text.encode()).hexdigest()


cache = Cache(40)
history = deque(maxlen=25)
failures = 0
for step in range(36):
    records = list(csv.DictReader(io.StringIO(table(120 + step % 7 * 40))))
    groups = {}
    for record in sorted(records, key=itemgetter("group", "name")):
        groups.setdefault(record["group"], []).append(record | {"amount": int(record["amount"])})
    history.append({g: sum(r["amount"] for r in rs) for g, rs in groups.items()})
    graph = {n: {random.randrange(90): random.random() for _ in range(5)} for n in range(90)}
    ways = shortest(graph, 0)
    texts = [cache.get(random.randrange(70), page) for _ in range(12)]
    names = [record["name"] for record in records[:14]]
    close = min((distance(a, b), a, b) for a in names for b in names if a < b)
    matrix = [[(i * j + step) % 10 for j in range(24)] for i in range(24)]
    product = [[sum(map(int.__mul__, row, column)) for column in zip(*matrix)] for row in matrix]
    lazily = (line.strip().title() for text, _ in texts for line in text.splitlines())
    longest = max(lazily, key=len)
    for record in records:
        with suppress(ValueError):
            failures += 1
            int(record["name"], 30)
            failures -= 1
print(len(history), failures, len(ways), close, product[3][5], len(longest))
