/** What a guest's binary says and WebAssembly.Module does not: its memory's limits, where its data lies, names. */

/** The memory that a module imports or has. */
export interface MemoryDescription {
  /** By which name it is imported; undefined for a memory of its own. */
  readonly from: { readonly module: string; readonly name: string } | undefined;
  readonly minimumPages: number;
  readonly maximumPages: number | undefined;
  readonly shared: boolean;
  /** Bits of an address: 32 or 64. */
  readonly addressBits: number;
}

export interface GuestBinary {
  readonly memory: MemoryDescription | undefined;
  /** The lowest address of its data; undefined when it has none, or at no fixed address. */
  readonly dataStart: number | undefined;
  /** Has it a variable? A C program's first one is its stack's pointer. */
  readonly variables: boolean;
  /** Where the stack begins, which grows down; undefined where the names are stripped. */
  readonly stackStart: number | undefined;
  /** The functions' names, where they are not stripped. */
  readonly functionNames: ReadonlySet<string>;
}

const SECTION = { custom: 0, import: 2, memory: 5, global: 6, data: 11 } as const;
const KIND = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;
const NAMES = { functions: 1, globals: 7 } as const;
const CONST = { i32: 0x41, i64: 0x42 } as const;
const LIMITS = { maximum: 1, shared: 2, address64: 4 } as const;

/** Reads numbers and texts, one after the other; zeros beyond the end, so that nonsense ends, too. */
class Reader {
  readonly #bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#bytes = bytes;
    this.at = at;
    this.end = Math.min(end, bytes.length);
  }

  get more(): boolean {
    return this.at < this.end;
  }

  byte(): number {
    return this.more ? (this.#bytes[this.at++] as number) : 0;
  }

  /** LEB128, without a sign. */
  unsigned(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  text(): string {
    const length = this.unsigned();
    const from = this.at;
    this.at += length;
    return new TextDecoder().decode(this.#bytes.subarray(from, Math.min(this.at, this.end)));
  }

  skip(count: number): void {
    this.at += count;
  }

  /** The part that comes next, its length in front. */
  part(): Reader {
    const length = this.unsigned();
    const part = new Reader(this.#bytes, this.at, this.at + length);
    this.at += length;
    return part;
  }

  /** What stands there so many times; fewer, when it is cut off. */
  *times(count: number): Generator<number> {
    for (let i = 0; i < count && this.more; i++) yield i;
  }
}

function readMemory(reader: Reader, from: MemoryDescription["from"]): MemoryDescription {
  const flags = reader.byte();
  return {
    from,
    minimumPages: reader.unsigned(),
    maximumPages: flags & LIMITS.maximum ? reader.unsigned() : undefined,
    shared: (flags & LIMITS.shared) !== 0,
    addressBits: flags & LIMITS.address64 ? 64 : 32,
  };
}

/** A value type; references to types of the module are longer than a byte. */
function skipType(reader: Reader): void {
  const first = reader.byte();
  if (first === 0x63 || first === 0x64) reader.unsigned();
}

/** The imported memory, and how many globals are imported. */
function readImports(reader: Reader): { memory: MemoryDescription | undefined; globals: number } {
  let memory: MemoryDescription | undefined;
  let globals = 0;
  for (const _ of reader.times(reader.unsigned())) {
    const from = { module: reader.text(), name: reader.text() };
    const kind = reader.byte();
    if (kind === KIND.memory) {
      memory = readMemory(reader, from);
    } else if (kind === KIND.table) {
      skipType(reader);
      readMemory(reader, from); // a table's limits are written like a memory's
    } else if (kind === KIND.global) {
      skipType(reader);
      reader.skip(1);
      globals++;
    } else {
      if (kind === KIND.tag) reader.skip(1);
      reader.unsigned();
    }
  }
  return { memory, globals };
}

/** A constant expression; undefined when it is no plain number. An i32 comes back unsigned. */
function readConstant(reader: Reader): number | undefined {
  const opcode = reader.byte();
  if (opcode !== CONST.i32 && opcode !== CONST.i64) return undefined;
  let value = 0;
  let scale = 1;
  let byte: number;
  do {
    byte = reader.byte();
    value += (byte & 127) * scale;
    scale *= 128;
  } while (byte >= 128);
  if (byte & 64) value -= scale;
  reader.skip(1); // end
  return value < 0 && opcode === CONST.i32 ? value + 2 ** 32 : value;
}

interface Variable {
  readonly mutable: boolean;
  readonly value: number | undefined;
}

/** The module's own globals, as far as they are plain numbers. */
function readGlobals(reader: Reader): Variable[] {
  const globals: Variable[] = [];
  for (const _ of reader.times(reader.unsigned())) {
    skipType(reader);
    const mutable = reader.byte() === 1;
    const value = readConstant(reader);
    globals.push({ mutable, value });
    if (value === undefined) break; // how long another expression is, we don't know
  }
  return globals;
}

/** The lowest address at which data is put. */
function readDataStart(reader: Reader): number | undefined {
  let lowest: number | undefined;
  for (const _ of reader.times(reader.unsigned())) {
    const flags = reader.unsigned();
    if (flags === 2) reader.unsigned(); // the memory's number
    if (flags !== 1) {
      const address = readConstant(reader);
      if (address === undefined) return lowest;
      lowest = Math.min(lowest ?? address, address);
    }
    reader.skip(reader.unsigned());
  }
  return lowest;
}

function readNames(reader: Reader): { functions: Set<string>; globals: Map<string, number> } {
  const functions = new Set<string>();
  const globals = new Map<string, number>();
  while (reader.more) {
    const kind = reader.byte();
    const part = reader.part();
    if (kind !== NAMES.functions && kind !== NAMES.globals) continue;
    for (const _ of part.times(part.unsigned())) {
      const index = part.unsigned();
      const name = part.text();
      if (kind === NAMES.functions) functions.add(name);
      else globals.set(name, index);
    }
  }
  return { functions, globals };
}

/** Reads a binary that may be anything: what is no WebAssembly gives a description of nothing. */
export function readGuest(bytes: Uint8Array): GuestBinary {
  let imports: ReturnType<typeof readImports> = { memory: undefined, globals: 0 };
  let own: MemoryDescription | undefined;
  let variables: Variable[] = [];
  let dataStart: number | undefined;
  let names: ReturnType<typeof readNames> | undefined;
  const reader = new Reader(bytes, 8, bytes.length);
  while (reader.more) {
    const id = reader.byte();
    const section = reader.part();
    if (id === SECTION.import) imports = readImports(section);
    else if (id === SECTION.memory && section.unsigned() > 0) own = readMemory(section, undefined);
    else if (id === SECTION.global) variables = readGlobals(section);
    else if (id === SECTION.data) dataStart = readDataStart(section);
    else if (id === SECTION.custom && section.text() === "name") names = readNames(section);
  }
  const stack = names?.globals.get("__stack_pointer");
  return {
    memory: imports.memory ?? own,
    dataStart,
    variables: variables.some(({ mutable }) => mutable),
    stackStart: stack === undefined ? undefined : variables[stack - imports.globals]?.value,
    functionNames: names?.functions ?? new Set(),
  };
}
