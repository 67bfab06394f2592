/** The debug heap: instances of its module over one ledger, and what becomes of a fault. */
import {
  type Address,
  type BlockMap,
  brokenInvariant,
  type DebugCore,
  type DebugSettings,
  type Domain,
  type DomainName,
  debugModule,
  instantiate,
  debugLayout as L,
  loadWord,
  type PyMemError,
  type SystemMalloc,
  storeWord,
  unsigned,
} from "../../base/base.js";
import type { DebugBlock } from "./dump.js";
import { faultError, type Stacks } from "./faults.js";
import { earlierBlocks, knownBlocks } from "./known-blocks.js";
import { Histories, type Tracer } from "./stacks.js";

export { piecesOf } from "./known-blocks.js";

/** What the debug functions of a family stand on. */
export interface Ground extends Pick<Domain, "malloc" | "calloc" | "free"> {
  /** Frees a block from before the debug mode; `free` where it is left out. */
  freeEarlier?: (p: Address) => void;
}

/** What a debug heap has to know of the heap that it is put in front of. */
export interface DebugHost {
  readonly memory: WebAssembly.Memory;
  readonly system: SystemMalloc;
  readonly settings: DebugSettings;
  /** Takes the stacks, with `settings.stacks`. */
  readonly tracer: Tracer;
  /** In a Python interpreter: what it is running now. */
  readonly pythonStack?: () => string | undefined;
  /** In a Python interpreter: 1 when the caller may use the mem and object families, which its lock guards. */
  readonly holdsGil?: () => number;
  /** Is this address in a pool of ours? */
  readonly poolOf: (p: Address) => Address;
}

/** Memory for the ledger of a debug heap; 0 when there is none. */
export function newLedger({ memory, system }: Pick<DebugHost, "memory" | "system">): Address {
  const ledger = unsigned(system.malloc(L.LEDGER_SIZE));
  if (ledger !== 0) storeWord(memory, ledger + L.LEDGER_MAGIC, 0);
  return ledger;
}

export class DebugHeap {
  /** Address of the block that everything the debug heap knows is reached from. */
  readonly ledger: Address;
  readonly #host: DebugHost;
  readonly #histories: Histories;
  #handling = false;
  #collected: PyMemError[] | undefined;

  /** @param ledger from `newLedger`, or that of a debug heap which is there already */
  constructor(host: DebugHost, ledger: Address) {
    this.#host = host;
    this.#histories = new Histories(host.tracer);
    this.ledger = ledger;
  }

  /** The debug functions over a ground for each family. */
  instantiate(ground: Readonly<Record<DomainName, Ground>>): DebugCore {
    const { memory, system, settings, holdsGil } = this.#host;
    const imports: Record<string, WebAssembly.ImportValue> = {
      root: this.ledger,
      watched: settings.stacks ? 1 : 0,
      born: (p: Address) => this.#histories.born(p),
      died: (p: Address) => this.#histories.died(p),
      left: (p: Address) => this.#histories.left(p),
      underGil: holdsGil === undefined ? 0 : 1,
      holdsGil: holdsGil ?? (() => 1),
      fault: () => this.#handle(this.#readFault()),
      tableMalloc: system.malloc,
      tableFree: system.free,
    };
    for (const [family, { malloc, calloc, free, freeEarlier }] of Object.entries(ground)) {
      imports[`${family}Malloc`] = malloc;
      imports[`${family}Calloc`] = calloc;
      imports[`${family}Free`] = free;
      imports[`${family}FreeEarlier`] = freeEarlier ?? free;
    }
    const core = instantiate(debugModule, {
      env: { memory },
      "debug-host": imports,
    }) as unknown as DebugCore;
    const magic = this.read(L.LEDGER_MAGIC);
    if (magic === 0) {
      core.initialize();
      this.write(L.HELD_LIMIT, settings.quarantineBytes);
    } else if (magic !== L.MAGIC) {
      throw brokenInvariant(L.LEDGER_HOLDS, this.ledger);
    }
    return core;
  }

  /** Tells of blocks from before the debug mode: a bit of each 8 bytes from one address up to another. */
  listEarlier({ bits, from, to }: BlockMap): void {
    this.write(L.EARLIER_SEAL, bits ^ from ^ to ^ L.MAGIC);
    this.write(L.EARLIER_BITS, bits);
    this.write(L.EARLIER_FROM, from);
    this.write(L.EARLIER_TO, to);
  }

  /** A word of the ledger, at one of `debugLayout`'s offsets. */
  read(offset: number): number {
    return loadWord(this.#host.memory, this.ledger + offset);
  }

  write(offset: number, value: number): void {
    storeWord(this.#host.memory, this.ledger + offset, value);
  }

  /** The quarantine, pads included, and the number of the last call that made a block. */
  stats(): { heldBlocks: number; heldBytes: number; serial: number } {
    return {
      heldBlocks: this.read(L.HELD_BLOCKS),
      heldBytes: this.read(L.HELD_BYTES),
      serial: this.read(L.SERIAL),
    };
  }

  /** The faults that are found while something is done, instead of what becomes of them otherwise. */
  collectFaults(work: () => void): PyMemError[] {
    const faults: PyMemError[] = [];
    this.#collected = faults;
    try {
      work();
    } finally {
      this.#collected = undefined;
    }
    return faults;
  }

  /** All blocks of mem and object that are known, those that are gone as well. */
  blocks(): Generator<DebugBlock> {
    return knownBlocks(this.#host.memory, this.ledger);
  }

  /** Where the blocks begin that are older than the debug heap, as far as that is known. */
  earlierBlocks(): Generator<Address> {
    return earlierBlocks(this.#host.memory, this.ledger);
  }

  /** The stacks that are kept of a block. */
  stacksOf(block: DebugBlock): Stacks {
    return this.#histories.of(block.start);
  }

  /** Blocks of mem and object that are freed and have their memory still. */
  deadBlocks(): number {
    return this.read(L.DEAD_BLOCKS);
  }

  #readFault(): PyMemError {
    const { memory, poolOf, pythonStack } = this.#host;
    return faultError(memory, this.ledger, poolOf, (block) => ({
      ...this.#histories.of(block),
      pythonStack: pythonStack?.() || undefined,
    }));
  }

  /** A fault while one is handled is thrown: whoever handles it would make the same one again, and again. */
  #handle(error: PyMemError): void {
    const { onFault } = this.#host.settings;
    if (this.#collected !== undefined) {
      this.#collected.push(error);
      return;
    }
    if (onFault === "throw" || this.#handling) throw error;
    this.#handling = true;
    try {
      if (onFault === "report") console.error(error.report());
      else onFault(error);
    } finally {
      this.#handling = false;
    }
  }
}

export { type DebugBlock, describe } from "./dump.js";
export { reportTexts } from "./report-texts.js";
export { javascriptTracer, type Tracer } from "./stacks.js";
