/** The allocators that a trace is played on, each in a memory of its own. */
import {
  type Address,
  bumpModule,
  type Domain,
  instantiate,
  instantiateCore,
  layout,
  type SystemMalloc,
  unsigned,
} from "../base/base.js";
import { type Large, standaloneHost, systemArenas } from "../hosts/hosts.js";
import { loadPyodide } from "../interpreter/interpreter.js";
import {
  type AllocatorRecord,
  AllocatorTable,
  Domains,
  functionsOf,
  programOf,
} from "../python/python.js";
import type { HeapStats } from "../src/report/report.js";
import { readStats } from "../src/report/report.js";
import { type BareProgram, bareProgram } from "./bare-program.js";

const PAGE = 65536;
const MOST_PAGES = 32768;

/** An allocator in an untouched memory. */
export interface Field {
  readonly memory: WebAssembly.Memory;
  /** Called by the replay directly, from one instance of WebAssembly to another. */
  readonly functions: Domain;
  /** The memory that was reserved for the tape. */
  readonly tape: Address;
  /** Bytes that the allocator has taken from the memory, at most. */
  taken(): number;
  /** Calls of what else the module exports, which leave the heap as it was. */
  readonly others?: readonly (() => unknown)[];
  /** pymalloc's books; and does an address lie in one of its pools? */
  readonly books?: { stats(): HeapStats; inPool(p: Address): boolean };
}

export interface Contestant {
  readonly title: string;
  /** Makes a field, with so many bytes reserved. */
  fresh(reserved: number): Field;
}

/** A program whose memory ends at a break, with the reserve below everything that is allocated. */
function reserve(program: BareProgram, bytes: number): Omit<Field, "functions"> {
  const tape = unsigned(program.sbrk(Math.ceil(bytes / 16) * 16));
  const base = unsigned(program.sbrk(0));
  return {
    memory: program.memory,
    tape,
    taken: () => unsigned(program.sbrk(0)) - base,
    others: [() => program.free(program.memalign(64, 100))],
  };
}

/** pymalloc over the malloc that owns the memory. */
function pooled(
  memory: WebAssembly.Memory,
  system: SystemMalloc,
  { indent = 0, own }: { indent?: number; own?: Large } = {},
): Pick<Field, "functions" | "others" | "books"> {
  const root = system.malloc(layout.ROOT_SIZE);
  const arenas =
    own === undefined
      ? systemArenas(memory, system, root, { fillHoles: true })
      : { alloc: own.arenaAlloc, free: own.arenaFree };
  const core = instantiateCore(memory, root, system, system, arenas);
  core.initialize(indent);
  const stats = () => readStats(core, memory, root);
  const others = [
    () => core.pyFree(0, core.pyMalloc(0, 40)),
    () => core.pyFree(0, core.pyCalloc(0, 3, 8)),
    () => core.pyFree(0, core.pyRealloc(0, core.pyMalloc(0, 100), 150)),
    () => core.rawFree(core.rawMalloc(40)),
    () => core.rawFree(core.rawRealloc(core.rawCalloc(3, 8), 40)),
    () => core.addressInRange(root),
    core.allocatedBlocks,
    core.stats,
  ];
  const inPool = (p: Address) => core.addressInRange(p) !== 0;
  return { functions: core, others, books: { stats, inPool } };
}

/** A heap that owns its memory; it is taken in pages of 64 KiB, by a sixteenth more each time. */
function ownMemory(
  bytes: number,
  pools: boolean,
): { memory: WebAssembly.Memory; system: Large; indent: number } & Pick<Field, "tape" | "taken"> {
  const { memory, system, own } = standaloneHost(1, MOST_PAGES, pools);
  const tape = system.malloc(bytes);
  const base = tape + bytes;
  const indent = own?.indent ?? 0;
  return {
    memory,
    system: system as Large,
    indent,
    tape,
    taken: () => memory.buffer.byteLength - base,
  };
}

function bump(reserved: number, span: number): Field {
  const memory = new WebAssembly.Memory({ initial: Math.ceil((PAGE + reserved) / PAGE) });
  const start = Math.ceil((PAGE + reserved) / 8) * 8;
  const bump = { start, span };
  const functions = instantiate(bumpModule, { env: { memory }, bump }) as unknown as Domain & {
    end(): number;
  };
  return { memory, functions, tape: PAGE, taken: () => unsigned(functions.end()) - start };
}

/** CPython's mimalloc, as an allocator of its: the program is the same in every instance. */
async function mimallocRecord(): Promise<AllocatorRecord> {
  const env = { HOME: "/home/pyodide", PYTHONMALLOC: "mimalloc" };
  return new AllocatorTable(programOf(await loadPyodide<object>(env), "mimalloc")).get(
    Domains.object,
  );
}

const makers = {
  pymalloc: {
    title: "pymalloc over dlmalloc",
    fresh(reserved) {
      const program = bareProgram();
      return { ...reserve(program, reserved), ...pooled(program.memory, program) };
    },
  },
  dlmalloc: {
    title: "dlmalloc (Emscripten's)",
    fresh(reserved) {
      const program = bareProgram();
      return { ...reserve(program, reserved), functions: program };
    },
  },
  async mimalloc() {
    const record = await mimallocRecord();
    return {
      title: "mimalloc (CPython's)",
      fresh(reserved) {
        const program = bareProgram();
        return { ...reserve(program, reserved), functions: functionsOf(program, record) };
      },
    };
  },
  "pymalloc-own": {
    title: "pymalloc in a memory of its own",
    fresh(reserved) {
      const { system, indent, ...field } = ownMemory(reserved, true);
      return { ...field, ...pooled(field.memory, system, { indent, own: system }) };
    },
  },
  malloc: {
    title: "our system malloc alone",
    fresh(reserved) {
      const { system, indent: _indent, ...field } = ownMemory(reserved, false);
      return { ...field, functions: system };
    },
  },
  bump: {
    title: "a pointer that moves on, and never frees",
    fresh: (reserved) => bump(reserved, 0),
  },
  floor: {
    title: "the same, over again after 256 KiB (no allocator)",
    fresh: (reserved) => bump(reserved, 256 * 1024),
  },
} satisfies Record<string, Contestant | (() => Promise<Contestant>)>;

/** What there is to choose from; pymalloc first. */
export const contestantNames: readonly string[] = Object.keys(makers);

/**
 * Those of these names, in this order. Only for mimalloc an interpreter is started.
 * @throws UsageError where Pyodide is not installed
 */
export async function makeContestants(
  names: readonly string[] = contestantNames,
): Promise<Record<string, Contestant>> {
  const contestants: Record<string, Contestant> = {};
  for (const name of names) {
    const maker = makers[name as keyof typeof makers];
    contestants[name] = typeof maker === "function" ? await maker() : maker;
  }
  return contestants;
}
