/**
 * Where CPython's objects have their references, on 32 bits (Include/cpython, Include/internal and the C files of the types).
 * What a new version of Python may change of it is in this file and in structs.ts.
 */

/**
 * The words of a struct, by the name that its type has in C (`tp_name`). A name is that of a reference; a point is a word that is
 * none, or whose reference is borrowed. The first word is the one behind the head (8); `@20` goes on at offset 20. A `~` is a
 * reference that does not hold.
 *
 * Types that are not named here are read by their `tp_members` and, for the rest, word by word.
 */
const COMMON: Readonly<Record<string, string>> = {
  object: "",
  int: "",
  float: "",
  complex: "",
  bytes: "",
  bytearray: "",
  str: "",
  tuple: "",
  list: "",
  dict: "",
  set: "",
  frozenset: "",
  NoneType: "",
  ellipsis: "",
  NotImplementedType: "",
  "array.array": "",
  "collections.deque": "",
  "collections.OrderedDict": "@56 __dict__",
  function:
    "__globals__ __builtins__ __name__ __qualname__ __code__ __defaults__ __kwdefaults__ __closure__ __doc__ __dict__ . " +
    "__module__ __annotations__ __type_params__",
  method: "__func__ __self__",
  builtin_function_or_method: ". __self__ __module__",
  builtin_method: ". __self__ __module__ . . __objclass__",
  "method-wrapper": "descriptor __self__",
  cell: "contents",
  module: "__dict__ . . . __name__",
  "weakref.ReferenceType": "~object __callback__",
  "weakref.ProxyType": "~object __callback__",
  "weakref.CallableProxyType": "~object __callback__",
  property: "fget fset fdel __doc__ __name__",
  classmethod: "__func__ __dict__",
  staticmethod: "__func__ __dict__",
  wrapper_descriptor: "__objclass__ __name__ __qualname__",
  method_descriptor: "__objclass__ __name__ __qualname__",
  classmethod_descriptor: "__objclass__ __name__ __qualname__",
  getset_descriptor: "__objclass__ __name__ __qualname__",
  member_descriptor: "__objclass__ __name__ __qualname__",
  mappingproxy: "mapping",
  slice: "start stop step",
  range: "start stop step length",
  traceback: "tb_next tb_frame",
  frame: "f_back . f_trace . . extra_locals locals_cache",
  generator: ". __name__ __qualname__ exception",
  coroutine: ". __name__ __qualname__ exception . cr_origin",
  async_generator: ". __name__ __qualname__ exception . finalizer",
  code:
    "@12 co_consts co_names co_exceptiontable @72 co_localsplusnames co_localspluskinds co_filename co_name co_qualname " +
    "co_linetable",
  type: "@128 __base__ __dict__ @168 __bases__ __mro__ . subclasses",
  BaseException: "__dict__ args __notes__ __traceback__ __context__ __cause__",
  memoryview: "@12 buffer",
  managedbuffer: "@20 object",
  "functools._lru_list_elem": "@20 key result",
  "functools.partial": "func args keywords __dict__",
  "xml.etree.ElementTree.Element": "tag",
  "re.Pattern": "@16 groupindex indexgroup pattern",
  "datetime.datetime": "",
  "datetime.time": "",
  "functools._lru_cache_wrapper":
    "@36 cache @44 __wrapped__ @56 mark element_type info_type __dict__",
  "_contextvars.ContextVar": "name default",
};

/** What another version has otherwise. */
const FUNCTION_314 =
  "__globals__ __builtins__ __name__ __qualname__ __code__ __defaults__ __kwdefaults__ __closure__ __doc__ __dict__ . " +
  "__module__ __annotations__ __annotate__ __type_params__";

/**
 * Where a type's objects point to memory of theirs without references, which is not looked into: by the name of the type in C.
 */
const OWNED_BYTES: Readonly<Record<string, number>> = {
  bytearray: 16,
  "array.array": 12,
  "_io.StringIO": 8,
  "_io.BufferedReader": 48,
  "_io.BufferedWriter": 48,
  "_io.BufferedRandom": 48,
  "_struct.Struct": 16,
};

/** How a version of CPython lays its objects out. */
export interface ObjectLayout {
  /** `PY_VERSION_HEX >> 16`. */
  readonly version: number;
  /** The references of structs: see COMMON. */
  readonly fields: Readonly<Record<string, string>>;
  /** The offset of the pointer to memory that belongs to an object and has no references: by the name of its type in C. */
  readonly ownedBytes: Readonly<Record<string, number>>;
  /** Where a tuple has its first item. */
  readonly tupleItems: number;
  /** The values of an instance stand in the instance itself (3.13), else in a block of their own that a tagged word points to. */
  readonly inlineValues: boolean;
  /** The lowest bits of references in frames say whether they are counted. */
  readonly taggedFrames: boolean;
}

const LAYOUTS: readonly ObjectLayout[] = [
  {
    version: 0x030c,
    fields: COMMON,
    ownedBytes: OWNED_BYTES,
    tupleItems: 12,
    inlineValues: false,
    taggedFrames: false,
  },
  {
    version: 0x030d,
    fields: COMMON,
    ownedBytes: OWNED_BYTES,
    tupleItems: 12,
    inlineValues: true,
    taggedFrames: false,
  },
  {
    version: 0x030e,
    fields: {
      ...COMMON,
      function: FUNCTION_314,
      frame: `${COMMON["frame"]} overwritten_locals`,
    },
    ownedBytes: OWNED_BYTES,
    tupleItems: 16,
    inlineValues: true,
    taggedFrames: true,
  },
];

/** The layout of a version ("3.14.2"); undefined where the version is none of those known here: 3.12, 3.13 and 3.14. */
export function layoutOf(version: string): ObjectLayout | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return LAYOUTS.find((layout) => layout.version === major * 256 + minor);
}

/** The fields of a type object (Include/cpython/object.h): what is read of it beyond `ObjectFields`. */
export enum TypeFields {
  doc = 88,
  weakListOffset = 104,
  members = 120,
  base = 128,
  dict = 132,
  dictOffset = 144,
  mro = 172,
  /** Of a type that is managed by the interpreter: its place among those, + 1. */
  subclasses = 180,
  /** How long a static type is. */
  size = 208,
  /** Of a heap type alone. */
  name = 428,
  slots = 432,
  qualifiedName = 436,
  cachedKeys = 440,
  module = 444,
  /** A copy of its name, which it owns. */
  ownName = 448,
  heapSize = 452,
}

/** A PyMemberDef (Include/descrobject.h), and the two kinds of members that are references. */
export enum Members {
  size = 20,
  name = 0,
  kind = 4,
  offset = 8,
  object = 6,
  objectOrError = 16,
}

/** More flags of types. */
export enum MoreTypeFlags {
  /** What the interpreter keeps of it stands in the interpreter's state: its dict, its subclasses. */
  managedStatic = 1 << 1,
  inlineValues = 1 << 2,
  managedWeakrefs = 1 << 3,
  managedDict = 1 << 4,
  heap = 1 << 9,
  ready = 1 << 12,
  exception = 1 << 30,
}

/** set and frozenset (Include/cpython/setobject.h). */
export enum SetFields {
  used = 12,
  mask = 16,
  table = 20,
  smallTable = 32,
}

/** str (Include/cpython/unicodeobject.h): its bytes as UTF-8, where it was asked for them, and the characters of a long form. */
export enum TextFields {
  length = 8,
  state = 16,
  ascii = 20,
  utf8 = 24,
  compact = 28,
  data = 28,
  compactBit = 32,
  asciiBit = 64,
}

/** collections.deque (Modules/_collectionsmodule.c): a chain of blocks of 64 items. */
export enum DequeFields {
  left = 12,
  right = 16,
  leftIndex = 20,
  spares = 36,
  firstSpare = 40,
  blockItems = 64,
  blockRight = 260,
}

/** What else owns blocks. */
export enum Owned {
  moduleDefinition = 12,
  moduleState = 16,
  /** How long its state is, in the definition of a module. */
  definitionStateSize = 28,
  codeExecutors = 100,
  codeCached = 104,
  odictNodes = 40,
  odictFirst = 32,
  odictNodeNext = 8,
  odictNodePrevious = 12,
}

/** An Element (Modules/_elementtree.c): its texts may be marked in the lowest bit; what else it has is in a block of its own. */
export enum ElementFields {
  text = 12,
  tail = 16,
  extra = 20,
  /** In that block. */
  attributes = 0,
  length = 4,
  children = 12,
  firstChild = 16,
  roomInside = 4,
}

/** Others with words that are not always references. */
export enum OddFields {
  /** A link of an LRU cache holds the next one; so does the cache, which begins like one. */
  nextLink = 12,
  /** A time has a zone when this byte says so; one that has none is shorter. Where it is in a datetime and in a time. */
  hasZone = 12,
  zoneOfDate = 24,
  zoneOfTime = 20,
}

/** What a thread has its frames in (`_PyStackChunk`, Include/cpython/pystate.h): its length and what is used of it, in words. */
export enum StackChunk {
  size = 4,
  top = 8,
  leastSize = 16384,
}

/** _PyInterpreterFrame, and where a generator and a frame object have theirs (Include/internal/pycore_interpframe_structs.h). */
export enum FrameFields {
  code = 0,
  function = 8,
  locals = 20,
  frameObject = 24,
  stackTop = 32,
  owner = 38,
  first = 40,
  inGenerator = 36,
  generatorState = 35,
  /** The state of a generator whose frame is gone. */
  cleared = 4,
  ofFrame = 12,
  codeLocals = 48,
  codeLocalNames = 72,
}

/** What tells a function, a code object and others from each other (Include/cpython). */
export enum NameFields {
  functionName = 20,
  functionCode = 24,
  codeLine = 44,
  codeFile = 80,
  codeName = 88,
  moduleName = 24,
  generatorName = 16,
  methodFunction = 8,
  builtinDefinition = 8,
  propertyName = 24,
  descriptorName = 12,
}

/** int (Include/cpython/longintrepr.h): digits of 30 bits, their number in all but the lowest bits of the tag; those say the sign. */
export enum IntFields {
  tag = 8,
  digits = 12,
  tagBits = 3,
  digitBits = 30,
  signBits = 3,
  negative = 2,
}

/** float and bytes (Include/cpython). */
export enum ValueFields {
  float = 8,
  bytes = 16,
}
