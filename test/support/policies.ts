/** Cores of several policies over one heap, and the model of what that heap should hold. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  type ArenaSource,
  type Core,
  type Domain,
  instantiate,
  instantiateCore,
  loadWord,
  type SystemMalloc,
  unsigned,
  useModules,
  validateModule,
} from "../../base/base.js";
import { standaloneHost, systemArenas } from "../../hosts/hosts.js";
import { readStats } from "../../src/report/report.js";
import { moduleWith, type Policy } from "../../tools/compile.js";
import { assertBalanced, assertFilled, fill, layout, numbers } from "./heaps.js";
import { madeOnce } from "./once.js";

const build = fileURLToPath(new URL("../../build", import.meta.url));

const moduleIn = (file: string) => new WebAssembly.Module(readFileSync(file));

/** A module of ours with another policy, or one for tests, compiled once. */
export async function compiledWith(
  name: "core" | "validate" | "report",
  policy: Policy,
): Promise<WebAssembly.Module> {
  const { mark, compile } = moduleWith(name, policy);
  const file = await madeOnce(`${build}/cache/policies/${name}-${mark.slice(0, 16)}.wasm`, compile);
  return moduleIn(file);
}

/** The modules as they are shipped. */
export const shipped = {
  core: moduleIn(`${build}/core.wasm`),
  validate: moduleIn(`${build}/validate.wasm`),
};

export interface Game {
  readonly cores: readonly WebAssembly.Module[];
  /** Knows full pools of every core's: how many free blocks of such a one nobody has seen differs by policy. */
  readonly validate: WebAssembly.Module;
  readonly seed: number;
  readonly steps: number;
}

interface Block {
  readonly p: number;
  readonly bytes: number;
  readonly seed: number;
}

/** The core's tables, the map of slices and that of arenas, are blocks of the system malloc's as well. */
const TABLES = 2;

/** Live blocks of a game at most. */
const MOST_LIVE = 1500;

/** After so many steps everything is looked at, and after so many others are asked for. */
const CHUNK = 16;
const STRETCH = 400;

/** A system malloc that counts its blocks and, when `refuses` says so, has no memory. */
function counting(inner: SystemMalloc, refuses: () => boolean) {
  const blocks = new Set<number>();
  const taken = (p: number) => {
    if (p !== 0) blocks.add(unsigned(p));
    return p;
  };
  const system: SystemMalloc = {
    malloc: (bytes) => (refuses() ? 0 : taken(inner.malloc(bytes))),
    calloc: (count, size) => (refuses() ? 0 : taken(inner.calloc(count, size))),
    realloc(p, bytes) {
      const moved = refuses() ? 0 : inner.realloc(p, bytes);
      if (moved !== 0) blocks.delete(unsigned(p));
      return taken(moved);
    },
    free(p) {
      assert.ok(p === 0 || blocks.delete(unsigned(p)), `free(${p}) of what is no block`);
      inner.free(p);
    },
  };
  return { system, blocks };
}

/** One heap, played by random steps of several cores in turn. */
class Match {
  readonly #random: (bound: number) => number;
  readonly #memory: WebAssembly.Memory;
  readonly #root: number;
  readonly #cores: readonly Core[];
  readonly #validate: () => number;
  /** The system malloc's blocks, where it is one that counts them and refuses. */
  readonly #systemBlocks: ReadonlySet<number> | undefined;
  /** The sizes that most requests of this stretch are of, and how many blocks it should end with. */
  #sizes: readonly number[] = [];
  #aim = 0;
  readonly #live: Block[] = [];
  /** Which 8 bytes belong to a block. */
  readonly #owned: Uint8Array;
  #armed = false;
  #units = 0;
  #seeds = 1;
  #u8: Uint8Array;
  refused = 0;

  constructor({ cores, validate, seed }: Game) {
    // Neighbouring seeds begin with neighbouring numbers.
    const random = numbers(Math.imul(seed, 0x9e3779b1));
    this.#random = random;
    const { memory, system: own, own: owned } = standaloneHost(16, 256);
    this.#memory = memory;
    this.#u8 = new Uint8Array(memory.buffer);
    this.#owned = new Uint8Array((256 * 65536) / 8);
    const root = own.malloc(layout.ROOT_SIZE);
    this.#root = root;
    // Every other match is over WebAssembly's functions, as in practice; those never refuse.
    const refusing = counting(own, () => this.#refuses(6));
    const system = seed % 2 === 0 ? own : refusing.system;
    this.#systemBlocks = seed % 2 === 0 ? undefined : refusing.blocks;
    const arenas = this.#counted(systemArenas(memory, own, root, { fillHoles: random(2) === 0 }));
    this.#cores = cores.map((core, at) => {
      useModules({ core });
      // In front of the last one somebody stands: no large block may wait below it.
      const raw = at === cores.length - 1 ? { ...system } : system;
      return instantiateCore(memory, root, system, raw, arenas);
    });
    this.#cores[0]?.initialize(random(2) === 0 ? (owned?.indent ?? 0) : 0);
    useModules({ validate });
    const imports = { env: { memory }, "heap-host": { root } };
    this.#validate = instantiate(validateModule, imports)["validate"] as () => number;
  }

  /** A source of arenas that counts their units and, at times, has none. */
  #counted(arenas: ArenaSource): ArenaSource {
    const units = (p: number) => loadWord(this.#memory, p + layout.SPARE_UNITS);
    return {
      alloc: () => {
        const p = this.#refuses(3) ? 0 : unsigned(arenas.alloc());
        if (p !== 0) this.#units += units(p);
        return p;
      },
      free: (p, bytes) => {
        this.#units -= units(unsigned(p));
        arenas.free(p, bytes);
      },
    };
  }

  /** Is there no memory this time? Only in the middle of a step. */
  #refuses(oneIn: number): boolean {
    if (!this.#armed || this.#random(oneIn) !== 0) return false;
    this.refused++;
    return true;
  }

  get u8(): Uint8Array {
    if (this.#u8.length === 0) this.#u8 = new Uint8Array(this.#memory.buffer);
    return this.#u8;
  }

  /** The functions of one of the cores, at times those that CPython calls. */
  #functions(): Domain {
    const core = this.#cores[this.#random(this.#cores.length)] as Core;
    if (this.#random(2) === 0) return core;
    return {
      malloc: (bytes) => core.pyMalloc(0, bytes),
      calloc: (count, size) => core.pyCalloc(0, count, size),
      realloc: (p, bytes) => core.pyRealloc(0, p, bytes),
      free: (p) => core.pyFree(0, p),
    };
  }

  #size(): number {
    const kind = this.#random(40);
    if (kind === 0) return this.#random(20_000);
    if (kind < 4) return 1069; // the one of regular expressions
    if (kind < 12) return this.#random(700);
    return this.#sizes[this.#random(this.#sizes.length)] as number;
  }

  /** Says whose the bytes of a block are. */
  #claim({ p, bytes }: Block, mine: boolean): void {
    const end = (p + Math.max(bytes, 1) + 7) >>> 3;
    const others = this.#owned.subarray(p >>> 3, end);
    assert.ok(!mine || others.every((byte) => byte === 0), `${p} overlaps another block`);
    others.fill(mine ? 1 : 0);
  }

  #keep(address: number, bytes: number): void {
    const p = unsigned(address);
    if (p === 0) {
      assert.ok(this.#systemBlocks !== undefined, `${bytes} bytes were refused`);
      return;
    }
    assert.equal(p % 8, 0, `${p} is aligned`);
    const block = { p, bytes, seed: this.#seeds++ };
    this.#claim(block, true);
    fill(this, p, bytes, block.seed);
    this.#live.push(block);
  }

  /** A block that is looked at and not ours any more. */
  #take(at: number): Block {
    const block = this.#live[at] as Block;
    this.#live[at] = this.#live[this.#live.length - 1] as Block;
    this.#live.pop();
    assertFilled(this, block.p, block.bytes, block.seed);
    this.#claim(block, false);
    return block;
  }

  #calloc({ calloc }: Domain): void {
    const count = 1 + this.#random(3);
    const size = Math.ceil(this.#size() / count);
    const p = unsigned(calloc(count, size));
    const isZero = this.u8.subarray(p, p + count * size).every((byte) => byte === 0);
    assert.ok(p === 0 || isZero, `calloc(${count}, ${size}) is zero`);
    this.#keep(p, count * size);
  }

  #realloc({ realloc }: Domain, { p, bytes, seed }: Block): void {
    const wanted = this.#size();
    const moved = unsigned(realloc(p, wanted));
    const known = moved === 0 ? bytes : Math.min(bytes, wanted);
    assertFilled(this, moved === 0 ? p : moved, known, seed);
    if (moved !== 0) {
      this.#keep(moved, wanted);
    } else {
      assert.ok(this.#systemBlocks !== undefined, `realloc to ${wanted} bytes was refused`);
      this.#keep(p, bytes);
    }
  }

  /** The newest block, or any. */
  #pick(): Block {
    const count = this.#live.length;
    return this.#take(this.#random(2) === 0 ? count - 1 : this.#random(count));
  }

  /** One request. */
  step(n: number): void {
    if (n % STRETCH === 1) {
      this.#sizes = Array.from({ length: 1 + this.#random(8) }, () => this.#random(700));
      this.#aim = this.#random(2) === 0 ? 0 : this.#random(MOST_LIVE);
    }
    const functions = this.#functions();
    const count = this.#live.length;
    this.#armed = true;
    const kind = this.#random(10);
    if (count === 0 || kind < (count < this.#aim ? 8 : 1)) {
      if (kind === 0) this.#calloc(functions);
      else {
        const bytes = this.#size();
        this.#keep(functions.malloc(bytes), bytes);
      }
    } else if (kind === 9) {
      this.#realloc(functions, this.#pick());
    } else {
      functions.free(this.#pick().p);
    }
    this.#armed = false;
    if (n % CHUNK === 0) this.assertBalanced();
  }

  /** The invariants hold, and all the books balance: the heap's, the arenas', the system malloc's. */
  assertBalanced(): void {
    const core = this.#cores[this.#random(this.#cores.length)] as Core;
    const stats = readStats(core, this.#memory, this.#root);
    const books = {
      validate: () => assert.equal(this.#validate(), 0, "the broken invariant"),
      stats: () => stats,
      getAllocatedBlocks: core.allocatedBlocks,
    };
    assertBalanced(books, this.#live.length);
    assert.equal(stats.arenas.current, this.#units, "units of arenas that were given out");
    if (this.#systemBlocks === undefined) return;
    const large = this.#live.filter(({ p }) => core.addressInRange(p) === 0).length;
    const others = this.#systemBlocks.size - large;
    // One may wait.
    assert.ok(others >= 0 && others <= TABLES + 1, `${others} blocks of the system malloc's`);
  }

  end(): void {
    while (this.#live.length > 0) {
      this.#functions().free(this.#take(this.#random(this.#live.length)).p);
    }
    this.assertBalanced();
  }
}

/** Plays a game to its end. @returns how many requests for memory were refused */
export function play(game: Game): number {
  const match = new Match(game);
  let step = 0;
  try {
    while (step++ < game.steps) match.step(step);
    match.end();
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new Error(`seed ${game.seed}, step ${step}: ${reason}`, { cause });
  }
  return match.refused;
}
