/**
 * Taking over CPython's allocators in a running interpreter.
 *
 * CPython keeps a table of allocators (PyMemAllocatorEx), one per domain, and lets them be exchanged at any
 * time by one that knows what to do with the blocks of the one before it. Ours does: an address that is
 * in none of its pools, or that the debug mode knows to be older than itself, goes to that one.
 */
import {
  type Address,
  type ArenaSource,
  type Bareness,
  type Core,
  type DebugSettings,
  type Domain,
  debugLayout,
  instantiateCore,
  layout,
  type MallocMode,
  outOfMemory,
  storeWord,
  unsigned,
} from "../base/base.js";
import { countBlocks, type EmscriptenProgram, mapBlocks, systemArenas } from "../hosts/hosts.js";
import { DebugHeap, type DebugHost, newLedger, type Tracer } from "../src/debug/debug.js";
import { debugDomain, late, objectDomain } from "../src/domains.js";
import { tellDangling } from "./dangling.js";
import { formatPythonStack, type PythonFrame, PythonStackReader } from "./frames.js";
import {
  type AllocatorRecord,
  AllocatorTable,
  Domains,
  functionsOf,
  placeOfFree,
  recordOf,
} from "./records.js";

export interface TakeoverOptions {
  readonly mode: MallocMode;
  readonly settings: DebugSettings;
  readonly onNewArena: (() => void) | undefined;
  /** The blocks that the interpreter itself counts (`sys.getallocatedblocks()`), as a linked one does; 0 where it knows of none. */
  readonly counted: number;
}

/** What the interpreter's memory is in now. */
export interface Takeover {
  readonly core: Core;
  readonly root: Address;
  /** In a debug mode. */
  readonly debugHeap: DebugHeap | undefined;
  /** The domains that say at last that there is no memory: what another refuses, one of these has refused. */
  readonly refusing: readonly number[];
  /** Blocks that the pools count and that are not live: those that the debug mode holds back, and those from before that were freed. */
  notLive(): number;
  /** Reports what the debug mode finds damaged. */
  validateBlocks(): void;
  /** In a debug mode: what it finds damaged, and what points to blocks that were freed, as text. */
  explain?(): string;
  /** What is left to do in a debug mode. It runs Python, so the interpreter is to be marked as taken over before. */
  settle?(refreshTracemalloc: () => void): void;
}

/** Without a debug mode. */
export const quiet = { notLive: () => 0, validateBlocks() {} };

/** So many damaged blocks are told of after a crash. */
const MOST_TOLD = 8;

/** What a debug heap has to say after a crash. @param validate reports what it finds damaged */
export function explainerOf(
  program: EmscriptenProgram,
  debugHeap: DebugHeap,
  reader: PythonStackReader,
  validate: () => void,
): () => string {
  return () => {
    const faults = debugHeap.collectFaults(validate);
    const reports = faults.slice(0, MOST_TOLD).map((fault) => fault.report());
    return reports.join("") + tellDangling(program, debugHeap, reader);
  };
}

/** What a debug heap in an interpreter is told of it. */
export function debugHostOf(
  program: EmscriptenProgram,
  settings: DebugSettings,
  reader: PythonStackReader,
  poolOf: (p: Address) => Address,
): DebugHost {
  const { onFault } = settings;
  return {
    memory: program.memory,
    system: program.malloc,
    settings:
      typeof onFault === "function"
        ? { ...settings, onFault: harmless("onFault", onFault) }
        : settings,
    tracer: pythonTracer(reader),
    pythonStack: () => formatPythonStack(reader.read()),
    // As in CPython's hooks (_PyMem_DebugCheckGIL). No call of it leaves WebAssembly.
    holdsGil: program.require("PyGILState_Check"),
    poolOf,
  };
}

/** The allocators that were in force. */
interface Before {
  readonly raw: AllocatorRecord;
  readonly mem: AllocatorRecord;
  readonly object: AllocatorRecord;
}

function isSame(one: AllocatorRecord, other: AllocatorRecord): boolean {
  return one.malloc === other.malloc && one.ctx === other.ctx;
}

/** How one sees whether CPython's raw domain has hooks. */
function barenessOf(program: EmscriptenProgram, { raw }: Before): Bareness | undefined {
  const word = placeOfFree(program, Domains.raw);
  return word === undefined ? undefined : { word, value: raw.free };
}

/** The raw domain with whatever hooks it has, or will have. */
function rawFunctions(program: EmscriptenProgram): Domain {
  return {
    malloc: program.require("PyMem_RawMalloc"),
    calloc: program.require("PyMem_RawCalloc"),
    realloc: program.require("PyMem_RawRealloc"),
    free: program.require("PyMem_RawFree"),
  };
}

/**
 * A function of the user's that is called from within the interpreter. An exception would cut through CPython in the middle of
 * an allocation, and no call ever comes back from that: so it is written to the console. That holds for every function that
 * this package lets others put there (`startRecording` keeps its sink's exception until the end).
 */
export function harmless<T extends unknown[]>(
  name: string,
  callback: (...parameters: T) => void,
): (...parameters: T) => void {
  return (...parameters) => {
    try {
      callback(...parameters);
    } catch (error) {
      console.error(`pymalloc: ${name} threw, and Python goes on:`, error);
    }
  };
}

/**
 * Arenas that are told of, where someone wants to know: else no call of theirs leaves WebAssembly. What comes while someone is
 * told is not told of: so a callback that allocates, which it should not, has an end.
 */
function announced(arenas: ArenaSource, onNewArena: (() => void) | undefined): ArenaSource {
  if (onNewArena === undefined) return arenas;
  const callback = harmless("onNewArena", onNewArena);
  let telling = false;
  const tell = (arena: Address) => {
    if (arena === 0 || telling) return arena;
    telling = true;
    callback();
    telling = false;
    return arena;
  };
  return {
    free: arenas.free,
    alloc: () => tell(arenas.alloc()),
  };
}

/** A heap without content, and a maker of cores over it. */
function newHeap(program: EmscriptenProgram, { mode, onNewArena }: TakeoverOptions) {
  const root = unsigned(program.malloc.malloc(layout.ROOT_SIZE));
  if (root === 0) throw outOfMemory("install: out of memory");
  const poke = (offset: number, value: number) => storeWord(program.memory, root + offset, value);
  const { memory, malloc } = program;
  const holes = { begin: program.break(), fillHoles: !mode.debug };
  const arenas = announced(systemArenas(memory, malloc, root, holes), onNewArena);
  const coreOver = (raw: Domain, bareness?: Bareness) =>
    instantiateCore(memory, root, malloc, raw, arenas, bareness);
  return { root, poke, coreOver };
}

/** What the counts begin with: the blocks that are there already. */
function blocksFromBefore(program: EmscriptenProgram, { counted }: TakeoverOptions): number {
  return counted || countBlocks(program);
}

/**
 * The pools. What they don't serve, and the blocks that are there already, are the raw domain's where CPython's
 * own allocator is the plain malloc; where it is another one (PYTHONMALLOC=mimalloc, debug), that one's.
 */
function takeOverPlain(
  program: EmscriptenProgram,
  table: AllocatorTable,
  before: Before,
  options: TakeoverOptions,
): Takeover {
  const { root, poke, coreOver } = newHeap(program, options);
  const bareness = barenessOf(program, before);
  // Two domains with two allocators get two cores: one heap all the same, they have one root.
  const [mem, object] = [before.mem, before.object].map((old) =>
    isSame(old, before.raw)
      ? coreOver(rawFunctions(program), bareness)
      : coreOver(functionsOf(program, old)),
  ) as [Core, Core];
  mem.initialize();
  poke(layout.RAW_BLOCKS, blocksFromBefore(program, options));
  table.set(Domains.mem, recordOf(program, root, mem));
  table.set(Domains.object, recordOf(program, root, object));
  const isPlain = isSame(before.mem, before.raw) && isSame(before.object, before.raw);
  const refusing = isPlain ? [Domains.raw] : Object.values(Domains);
  return { core: mem, root, debugHeap: undefined, refusing, ...quiet };
}

/** Where stacks are wanted: the interpreter's own, some frames deep. */
function pythonTracer(reader: PythonStackReader): Tracer {
  return {
    capture: () => reader.read(8),
    render: (frames) => formatPythonStack(frames as readonly PythonFrame[]),
  };
}

/** Lists the blocks that are there already for the debug mode; false where they can't be found. */
function listBlocksFromBefore(
  program: EmscriptenProgram,
  before: Before,
  debug: DebugHeap,
): boolean {
  const plain = isSame(before.raw, before.mem) && isSame(before.raw, before.object);
  const map = plain ? mapBlocks(program) : undefined;
  if (map === undefined) return false;
  debug.listEarlier(map);
  return true;
}

/** A debug mode: debug hooks on all three domains, with the pools below mem and object, or without. */
function takeOverDebug(
  program: EmscriptenProgram,
  table: AllocatorTable,
  before: Before,
  options: TakeoverOptions,
): Takeover {
  const { mode, settings } = options;
  const { root, poke, coreOver } = newHeap(program, options);
  const reader = new PythonStackReader(program);
  const host = debugHostOf(program, settings, reader, (p) => core.poolOf(p));
  const ledger = newLedger(host);
  if (ledger === 0) throw outOfMemory("install: out of memory");
  const debugHeap = new DebugHeap(host, ledger);

  const old = {
    raw: functionsOf(program, before.raw),
    mem: functionsOf(program, before.mem),
    object: functionsOf(program, before.object),
  };
  // Without pools, as in CPython, debug hooks over the raw domain's allocator, whatever the old one of mem was.
  const above = (pools: Domain) => ({
    raw: old.raw,
    mem: { ...(mode.pools ? pools : old.raw), freeEarlier: old.mem.free },
    object: { ...(mode.pools ? pools : old.raw), freeEarlier: old.object.free },
  });
  const lower = debugHeap.instantiate(above(late(() => objectDomain(core))));
  const core = coreOver(debugDomain(lower, "raw"));
  core.initialize();
  const upper = debugHeap.instantiate(above(objectDomain(core)));

  poke(layout.RAW_BLOCKS, blocksFromBefore(program, options));
  const listed = listBlocksFromBefore(program, before, debugHeap);
  debugHeap.write(debugLayout.EARLIER_ANY, 1);
  // The context of a debug function is its family, which has the domain's number.
  table.set(Domains.raw, recordOf(program, Domains.raw, lower));
  table.set(Domains.mem, recordOf(program, Domains.mem, upper));
  table.set(Domains.object, recordOf(program, Domains.object, upper));
  return {
    ...{ core, root, debugHeap, refusing: Object.values(Domains) },
    notLive: () => debugHeap.deadBlocks() + debugHeap.read(debugLayout.EARLIER_FREED),
    validateBlocks: () => upper.validate(),
    explain: explainerOf(program, debugHeap, reader, () => upper.validate()),
    settle(refreshTracemalloc) {
      // tracemalloc remembers the raw allocator of the interpreter's start, takes its first buffer from that one and
      // gives it to the one in force. Now it gets to know ours.
      refreshTracemalloc();
      if (listed) debugHeap.write(debugLayout.EARLIER_ANY, 0);
    },
  };
}

/** Makes ours the allocators of the interpreter, for good. @throws RangeError for want of memory */
export function takeOver(program: EmscriptenProgram, options: TakeoverOptions): Takeover {
  const table = new AllocatorTable(program);
  const before: Before = {
    raw: table.get(Domains.raw),
    mem: table.get(Domains.mem),
    object: table.get(Domains.object),
  };
  return options.mode.debug
    ? takeOverDebug(program, table, before, options)
    : takeOverPlain(program, table, before, options);
}
