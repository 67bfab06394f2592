/** What Python itself says of its objects, to hold a graph to it. */
import {
  EdgeKind,
  edgeKind,
  edgeValue,
  type Graph,
  IMMORTAL,
  type Node,
} from "../../inspect/graph/graph.js";
import { BlockKind, type Blocks, captureImage, findBlocks } from "../../inspect/memory/memory.js";
import { type PythonGraph, pythonGraph } from "../../inspect/python/python.js";
import type { Pyodide } from "../support/pyodide.js";

/** A program with objects of all kinds. */
export const PROGRAM = `
import abc, array, asyncio, collections, contextvars, dataclasses, datetime, decimal, enum, functools, gc, inspect, io
import itertools, json, logging, os, random, re, struct, sys, threading, time, types, typing, weakref, zlib
import xml.etree.ElementTree as trees

class Order:
    def __init__(self, n):
        self.n, self.items, self.name = n, [n, str(n)], "order %d" % n

class Slotted:
    __slots__ = ("a", "b", "__weakref__")

class MoreSlots(Slotted):
    __slots__ = ("c",)

class List(list): pass
class Dict(dict): pass
class Tuple(tuple): pass
class Int(int): pass
class Str(str): pass
class Error(Exception): pass
class SlottedList(list): __slots__ = ("x",)
Point = collections.namedtuple("Point", "x y")

@dataclasses.dataclass
class Row:
    key: int
    links: list

class Color(enum.Enum):
    RED = 1
    BLUE = 2

def generate(a):
    b = [a]
    yield b
    yield a

async def wait(x):
    y = [x]
    await asyncio.sleep(0)
    return y

def outer(z):
    def inner():
        return z
    return inner

@functools.lru_cache(maxsize=10)
def bounded(x): return [x]

@functools.lru_cache(maxsize=None)
def unbounded(x): return [x]

def kept_frame():
    here = [1, 2]
    return sys._getframe()

def fail():
    try:
        try: 1 / 0
        except Exception as error: raise Error("x") from error
    except Error as error: return error

orders = [Order(n) for n in range(2000)]
slots = []
for n in range(100):
    slot = MoreSlots()
    slot.a, slot.b, slot.c = [n], str(n) * 3, {n: n}
    slots.append(slot)
subclasses = [List([1, [2]]), Dict(a=[1]), Tuple(([1],)), Int(1234567), Str("h\\xe9"), Error("boom"), Point([1], 2), SlottedList([[1]])]
subclasses[0].attribute, subclasses[1].attribute, subclasses[7].x = [1], {1: 2}, [3]
others = [Row(n, [n]) for n in range(20)] + [Color.RED]
changed = [Order(n) for n in range(50)]
for order in changed: order.__dict__["extra"] = [1]
dicts = [order.__dict__ for order in changed[:25]]
for order in changed[25:]: order.__dict__ = {"new": [order.n]}
generators = [generate([n]) for n in range(20)]
for generator in generators[:10]: next(generator)
list(generators[11])
coroutines = [wait([n]) for n in range(3)]
coroutines[0].send(None)
closures = [outer([n]) for n in range(50)]
ordered = collections.OrderedDict((str(n), [n]) for n in range(30))
ordered.attribute = 1
del ordered["7"]
queue = collections.deque([n] for n in range(200))
queue.popleft()
short = collections.deque(maxlen=4)
short.extend([[1], [2]])
default = collections.defaultdict(list)
default[1].append(2)
members = {("t", n) for n in range(1000)}
members.discard(("t", 3))
small = {1, 2, ("x",)}
frozen = frozenset([("a",), ("b",)])
weak = [weakref.ref(order) for order in orders[:10]]
weak_values = weakref.WeakValueDictionary(enumerate(orders[:5]))
weak_keys = weakref.WeakKeyDictionary((order, [1]) for order in orders[:5])
for n in range(20): bounded(n), unbounded(n)
partial = functools.partial(print, [1], end=[2])
iterators = [
    iter([1, [2]]), iter({1: [2]}), enumerate([[1]]), zip([[1]], [2]), map(str, [[1]]), filter(None, [[1]]),
    itertools.chain([1], [2]), itertools.cycle([[1]]), itertools.count(10**10), itertools.repeat([1]),
    itertools.groupby([[1]]), reversed([[1]]), itertools.tee([[1]]), itertools.product([[1]], [2]),
    itertools.permutations([[1], 2]), itertools.islice([[1]], 2), iter({1, 2}), iter("ab"), iter(lambda: 1, 2)]
buffers = [memoryview(bytearray(b"abc" * 10)), bytearray(b"x" * 1000), array.array("l", range(100)), io.BytesIO(b"x" * 1000), io.StringIO("abc")]
error = fail()
variable = contextvars.ContextVar("variable", default=[1])
variable.set([2])
context = contextvars.copy_context()
numbers = [decimal.Decimal(n) / 7 for n in range(20)] + [10**50, 2**31, -5**30] + [n * 1.5 for n in range(100)]
times = [datetime.datetime.now(datetime.timezone.utc), datetime.datetime.now(), datetime.time(1, 2), datetime.timedelta(1)]
pattern = re.compile(r"(a+)(?P<name>b)")
match = pattern.match("aab")
sparse = {n: [n] for n in range(100)}
for n in range(50): del sparse[n]
mixed = {1: 2, "a": [3], (1,): 4}
views = [mixed.keys(), types.MappingProxyType({1: [2]}), types.SimpleNamespace(a=[1])]
texts = ["\\xe9" * 10, "\\u4e00" * 5, "\\U0001f600" * 3] + ["\\xfc%d" % n for n in range(20)]
for text in texts: text.encode()
methods = [order.__init__ for order in orders[:5]] + [[].append, {}.get, "a".join]
slices = [slice([1], 2, 3), range(10**10, 10**12)]
frames = [sys._getframe(), kept_frame()]
sequences = [sys.version_info, sys.flags, os.stat("/"), time.localtime()]
aliases = [list[int], dict[str, int], int | str, typing.Optional[int]]
wrappers = [super(MoreSlots, slots[0]), property(lambda self: 1), classmethod(print), staticmethod(print)]
locks = [threading.Lock(), threading.RLock(), threading.Event(), random.Random(1), struct.Struct("ii"), json.JSONDecoder()]
tree = trees.fromstring("<a x='1'>" + "".join("<b i='%d'>t%d<c/>u</b>" % (n, n) for n in range(200)) + "</a>")
compressor = zlib.compressobj()
gone = [({}, (n, str(n)), n * 1.5) for n in range(200)]
del gone
gc.collect()
None
`;

const WITNESS = `
def __witness():
    import array, gc
    gc.disable()
    objects = gc.get_objects()
    seen, heads, tails, names = set(), array.array("L"), array.array("L"), []
    mine = {id(objects), id(seen), id(heads), id(tails), id(names)}
    todo = list(objects)
    mine.add(id(todo))
    for o in todo:
        if id(o) in seen or id(o) in mine: continue
        seen.add(id(o))
        refs = gc.get_referents(o)
        heads.append(id(o))
        heads.append(len(refs))
        names.append(type(o).__name__)
        for r in refs:
            tails.append(id(r))
            if id(r) not in seen: todo.append(r)
    gc.enable()
    return heads.tobytes(), tails.tobytes(), "\\n".join(names)
`;

/** An object as Python sees it. */
export interface Seen {
  readonly address: number;
  readonly type: string;
  readonly referents: Uint32Array;
}

interface Answer {
  toJs(): [Uint8Array, Uint8Array, string];
}

/** The graph of an interpreter that ran the program, what Python says of it, and a graph of right after. */
export function witnessed(pyodide: Pyodide): {
  graph: PythonGraph;
  blocks: Blocks;
  after: PythonGraph;
  seen: Seen[];
} {
  pyodide.runPython(WITNESS);
  pyodide.runPython(PROGRAM);
  const image = captureImage(pyodide, { copy: true });
  const blocks = findBlocks(image);
  const graph = pythonGraph(image, blocks);
  const answer = pyodide.runPython("__witness()") as Answer;
  const after = graphOf(pyodide);
  const [heads, tails, names] = answer.toJs();
  const numbers = (part: Uint8Array) => new Uint32Array(part.slice().buffer);
  const [head, tail] = [numbers(heads), numbers(tails)];
  let at = 0;
  const seen = names.split("\n").map((type, index) => {
    const referents = tail.subarray(at, at + (head[2 * index + 1] as number));
    at += referents.length;
    return { address: head[2 * index] as number, type, referents };
  });
  return { graph, blocks, after, seen };
}

/** The share of objects that have exactly the references that they count; a root may count, but for the one of what nobody holds. */
export function shareOfExact({ graph, references }: PythonGraph): number {
  const { nodes, first, to, types, typeOf } = graph;
  const least = references();
  const most = least.slice();
  const outside = nodes - 1;
  for (const group of to.subarray(first[0], first[1])) {
    if (group === outside) continue;
    for (const node of to.subarray(first[group], first[group + 1])) {
      most[node] = (most[node] as number) + 1;
    }
  }
  let objects = 0;
  let exact = 0;
  for (let node = 1; node < nodes; node++) {
    const count = graph.counts[node] as number;
    if (count === IMMORTAL || types[typeOf[node] as number]?.kind !== "object") continue;
    objects++;
    if ((least[node] as number) <= count && count <= (most[node] as number)) exact++;
  }
  return exact / objects;
}

/** How many of the blocks in pools are neither an object nor free for one nor an object's. */
export function plainInPools({ graph }: PythonGraph, blocks: Blocks): number {
  let plain = 0;
  for (let node = 1; node < graph.nodes; node++) {
    const type = graph.types[graph.typeOf[node] as number];
    if (type?.kind !== "memory" || type.module !== "") continue;
    const block = blocks.indexAt(graph.addresses[node] as number);
    if (blocks.kinds[block] === BlockKind.pool) plain++;
  }
  return plain;
}

/** The graph of an interpreter at this moment. */
export function graphOf(pyodide: Pyodide): PythonGraph {
  const image = captureImage(pyodide, { copy: true });
  return pythonGraph(image, findBlocks(image));
}

/** The addresses that a node's edges lead to, sorted. */
export function addressesFrom({ first, to, addresses }: Graph, node: Node): number[] {
  const edges = to.subarray(first[node], first[node + 1]);
  return [...edges].map((target) => addresses[target] as number).sort((one, other) => one - other);
}

/** The names of a node's edges as a person reads them, each with the label of what it leads to. */
export function edgesOf(graph: Graph, node: Node): Record<string, string> {
  const edges: Record<string, string> = {};
  for (let edge = graph.first[node] as number; edge < (graph.first[node + 1] as number); edge++) {
    const target = graph.to[edge] as Node;
    edges[nameOf(graph, graph.names[edge] as number)] = graph.label(target);
  }
  return edges;
}

function nameOf(graph: Graph, name: number): string {
  const value = edgeValue(name);
  switch (edgeKind(name)) {
    case EdgeKind.attribute:
      return `.${graph.label(value)}`;
    case EdgeKind.item:
      return `[${value}]`;
    case EdgeKind.entry:
      return `['${graph.label(value)}']`;
    case EdgeKind.key:
      return `key ${value}`;
    case EdgeKind.local:
      return `local ${graph.label(value)}`;
    case EdgeKind.guess:
      return `+${value}`;
    case EdgeKind.weak:
      return `weak ${graph.texts[value]}`;
    default:
      return graph.texts[value] as string;
  }
}

/** What a node's type is called, without its module. */
export function typeName({ types, typeOf }: Graph, node: Node): string {
  return types[typeOf[node] as number]?.name ?? "";
}
