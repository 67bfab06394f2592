"""A walk through the standard library; what it prints is the same on every allocator."""

import array
import asyncio
import base64
import collections
import contextlib
import copy
import csv
import dataclasses
import datetime
import decimal
import difflib
import enum
import fractions
import functools
import gc
import hashlib
import heapq
import importlib
import io
import itertools
import json
import pickle
import random
import re
import statistics
import string
import struct
import sys
import tempfile
import textwrap
import tokenize
import traceback
import types
import unittest
import weakref
import xml.etree.ElementTree as ElementTree
import zlib

done = []


def part(function):
    """Runs a part, and keeps what came of it."""
    done.append(f"{function.__name__}: {function()}")
    return function


def optional(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


@part
def documents():
    rows = [{"id": n, "name": f"row {n}", "tags": [str(n), n * 1.5, None], "é": "ü" * (n % 5)} for n in range(3000)]
    assert json.loads(json.dumps(rows, indent=1)) == rows
    assert all(pickle.loads(pickle.dumps(rows, protocol)) == rows for protocol in range(6))
    assert copy.deepcopy(rows) == rows
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:16]


@part
def expressions():
    text = "\n".join(f"{n:04d} [{'ok' if n % 3 else 'failed'}] user{n % 17}@example.org took {n * 7 % 1000} ms" for n in range(3000))
    pattern = re.compile(r"^(\d+) \[(?P<state>\w+)\] (\w+)@[\w.]+ took (\d+) ms$", re.MULTILINE)
    states = collections.Counter(match["state"] for match in pattern.finditer(text))
    return sorted(states.items()), len(re.sub(r"\d", "", text)), len(re.split(r"[ \n]", text))


@part
def numbers():
    with decimal.localcontext() as context:
        context.prec = 60
        root = sum(decimal.Decimal(n).sqrt() for n in range(1, 400))
    total = sum((fractions.Fraction(1, n) for n in range(1, 300)), fractions.Fraction())
    big = functools.reduce(lambda product, n: product * n, range(1, 700))
    return str(root)[:40], str(total.numerator)[:20], len(str(big)), statistics.median(range(1001))


@part
def tables():
    sqlite3 = optional("sqlite3")
    if sqlite3 is None:
        return "not here"
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("create table books (id integer primary key, title text, price real)")
        connection.executemany("insert into books values (?, ?, ?)", ((n, f"book {n}", n * 0.25) for n in range(4000)))
        return connection.execute("select count(*), sum(price), max(title) from books where id % 3 = 0").fetchone()


@dataclasses.dataclass(order=True)
class Card:
    rank: int
    suit: str = dataclasses.field(compare=False)
    notes: list = dataclasses.field(default_factory=list, compare=False)


class Suit(enum.Enum):
    CLUBS = "c"
    HEARTS = "h"


@part
def classes():
    cards = [Card(n * 7919 % 13, suit.value) for suit in Suit for n in range(800)]
    for card in cards:
        card.notes.append(dataclasses.asdict(card))
    made = [type(f"Made{n}", (Card,), {"__slots__": (), "number": n}) for n in range(150)]
    point = types.SimpleNamespace(**{f"field{n}": n for n in range(60)})
    return sorted(cards)[5].rank, sum(cls.number for cls in made), len(repr(point))


@part
def lifetimes():
    class Node:
        pass

    nodes = [Node() for _ in range(3000)]
    # Short rings: the longest chain that an interpreter can drop at once is not the question here.
    for start in range(0, 3000, 10):
        ring = nodes[start : start + 10]
        for one, other in zip(ring, ring[1:] + ring[:1]):
            one.next = other
    gone = []
    alive = weakref.WeakValueDictionary(enumerate(nodes))
    weakref.finalize(nodes[7], gone.append, "seventh")
    before = len(alive)
    del nodes, ring, one, other
    gc.collect()
    return before, len(alive), gone


@part
def coroutines():
    log = []

    class Turn:
        """What a coroutine waits for that lets the others go on."""

        def __await__(self):
            yield

    async def worker(number, queue):
        while (item := await queue.get()) is not None:
            log.append((number, item))
            await Turn()

    async def main(number, queue):
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(worker, number, queue)
            await worker(number, queue)

    async def fill(queue):
        for item in [*range(300), *[None] * 6]:
            await queue.put(item)

    queue = asyncio.Queue()
    running = collections.deque([fill(queue), *(main(number, queue) for number in range(3))])
    # By hand: the loop of a page can't be waited for.
    while running:
        coroutine = running.popleft()
        try:
            coroutine.send(None)
        except StopIteration:
            continue
        running.append(coroutine)
    return len(log), sum(item for _, item in log), len({number for number, _ in log})


@part
def files():
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/table.csv"
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([n, f"text {n}", n / 7] for n in range(2000))
        with open(path, newline="") as file:
            rows = list(csv.reader(file))
        with open(path, "rb") as file:
            packed = zlib.compress(file.read(), 9)
    return len(rows), rows[-1][1], len(zlib.decompress(packed)), zlib.crc32(packed) > 0


@part
def bytes_and_arrays():
    numbers = array.array("d", (n / 3 for n in range(5000)))
    view = memoryview(numbers).cast("B")
    packed = b"".join(struct.pack("<IdH", n, n / 2, n % 65536) for n in range(1000))
    growing = bytearray()
    for n in range(2000):
        growing += bytes([n % 256]) * (n % 9)
    return hashlib.md5(view).hexdigest(), hashlib.sha1(packed).hexdigest(), len(growing), len(base64.b85encode(packed))


@part
def trees():
    root = ElementTree.Element("library")
    for n in range(800):
        book = ElementTree.SubElement(root, "book", id=str(n))
        ElementTree.SubElement(book, "title").text = f"Title {n} & more"
    text = ElementTree.tostring(root)
    again = ElementTree.fromstring(text)
    return len(text), len(again.findall("./book/title")), again[5][0].text


@part
def code():
    source = "\n".join(f"def f{n}(x, *, y={n}):\n    return [x + y for _ in range({n % 5})]" for n in range(300))
    scope = {}
    exec(compile(source, "<made>", "exec"), scope)
    tokens = sum(1 for _ in tokenize.generate_tokens(io.StringIO(source).readline))
    try:
        scope["f7"](None)
    except TypeError:
        lines = traceback.format_exc().splitlines()
    difference = list(difflib.unified_diff(source.splitlines()[:60], source.splitlines()[2:62]))
    return len(scope["f9"](1)), tokens, lines[-1], len(difference)


@part
def algorithms():
    chosen = random.Random(5)
    values = [chosen.randrange(10**6) for _ in range(5000)]
    heap = list(values)
    heapq.heapify(heap)
    ordered = [heapq.heappop(heap) for _ in range(len(heap))]
    queue = collections.deque(values, maxlen=1000)
    queue.rotate(17)
    pairs = list(itertools.islice(itertools.combinations(string.ascii_letters, 3), 4000))
    cached = functools.lru_cache(maxsize=300)(lambda n: str(n) * 3)
    return ordered == sorted(values), sum(queue), pairs[-1], sum(len(cached(n % 500)) for n in range(3000))


@part
def calendar():
    start = datetime.datetime(2003, 7, 29, tzinfo=datetime.timezone.utc)
    days = [start + datetime.timedelta(days=n, seconds=n) for n in range(3000)]
    texts = [day.isoformat() for day in days]
    assert [datetime.datetime.fromisoformat(text) for text in texts] == days
    return texts[-1], textwrap.fill(" ".join(texts[:20]), 60).count("\n")


class Sums(unittest.TestCase):
    def test_sums(self):
        for n in range(200):
            with self.subTest(n=n):
                self.assertEqual(sum(range(n + 1)), n * (n + 1) // 2)

    def test_error(self):
        with self.assertRaisesRegex(ZeroDivisionError, "zero"):
            1 / 0

    @unittest.skip("to see it skipped")
    def test_skipped(self):
        pass


@part
def tests():
    stream = io.StringIO()
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Sums)
    result = unittest.TextTestRunner(stream=stream, verbosity=2).run(suite)
    return result.testsRun, len(result.skipped), result.wasSuccessful()


@part
def foreign():
    ctypes = optional("ctypes")
    if ctypes is None:
        return "not here"

    class Pair(ctypes.Structure):
        _fields_ = [("one", ctypes.c_int32), ("other", ctypes.c_double)]

    pairs = (Pair * 300)(*((n, n / 2) for n in range(300)))
    text = ctypes.create_string_buffer(b"some text", 700)
    return ctypes.sizeof(pairs), sum(pair.one for pair in pairs), text.value


gc.collect()
"\n".join(done)
