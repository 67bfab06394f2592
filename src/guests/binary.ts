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
  /** The first memory, which a valid guest's data is in. */
  readonly memory: MemoryDescription | undefined;
  readonly memories: number;
  /** The lowest address of its data, and the one behind the highest; undefined when it places none. */
  readonly data: { readonly start: number; readonly end: number } | undefined;
  /** Has it data at an address that is no number, but known only when it is instantiated? */
  readonly movable: boolean;
  /** Has it a variable? A C program's first one is its stack's pointer. */
  readonly variables: boolean;
  /** What its variables are at first, those that are 32-bit numbers which are known: its stack's pointer is one of them. */
  readonly firstValues: readonly number[];
  /** Where the stack begins, which grows down; undefined where it has no name (see `heapBase`). */
  readonly stackStart: number | undefined;
  /** Where the heap begins, as the linker says; undefined where it does not, or the names are stripped and it is not exported. */
  readonly heapBase: number | undefined;
  /** The functions' names, where they are not stripped. */
  readonly functionNames: ReadonlySet<string>;
}

const SECTION = { custom: 0, import: 2, memory: 5, global: 6, export: 7, data: 11 } as const;
const KIND = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;
const NAMES = { functions: 1, globals: 7 } as const;
const SEGMENT = { passive: 1, memoryNamed: 2 } as const;
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

  /** LEB128, with a sign; as the u32 that it is for WebAssembly. */
  signed(): number {
    let value = 0;
    let scale = 1;
    let byte: number;
    do {
      byte = this.byte();
      value += (byte & 127) * scale;
      scale *= 128;
    } while (byte >= 128);
    return (byte & 64 ? value - scale : value) >>> 0;
  }

  skip(count: number): void {
    this.at += count;
  }

  /** There is something that this reader does not know, and so nothing more to read. */
  giveUp(): void {
    this.at = Number.POSITIVE_INFINITY;
  }

  get gaveUp(): boolean {
    return this.at === Number.POSITIVE_INFINITY;
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

interface Variable {
  readonly mutable: boolean;
  /** What it is at first; undefined when it is no 32-bit number, or known only when it is imported. */
  readonly value: number | undefined;
}

function readImports(reader: Reader, memories: MemoryDescription[], variables: Variable[]): void {
  for (const _ of reader.times(reader.unsigned())) {
    const from = { module: reader.text(), name: reader.text() };
    const kind = reader.byte();
    if (kind === KIND.memory) {
      memories.push(readMemory(reader, from));
    } else if (kind === KIND.table) {
      skipType(reader);
      readMemory(reader, from); // a table's limits are written like a memory's
    } else if (kind === KIND.global) {
      skipType(reader);
      reader.skip(1);
      variables.push({ mutable: false, value: undefined }); // it is somebody else's
    } else {
      if (kind === KIND.tag) reader.skip(1);
      reader.unsigned();
    }
  }
}

/** Numbers that are added and multiplied, as far as they are known. */
function combine(
  stack: (number | undefined)[],
  how: (a: number, b: number) => number,
): number | undefined {
  const b = stack.pop();
  const a = stack.pop();
  return a === undefined || b === undefined ? undefined : how(a, b) >>> 0;
}

/** A constant expression's value, unsigned; undefined when it is no 32-bit number, or not known before instantiation. */
function readConstant(reader: Reader, variables: readonly Variable[]): number | undefined {
  const stack: (number | undefined)[] = [];
  const unknown = (bytes: number) => {
    reader.skip(bytes);
    stack.push(undefined);
  };
  for (let opcode = reader.byte(); opcode !== 0x0b; opcode = reader.byte()) {
    if (opcode === 0x41) stack.push(reader.signed());
    else if (opcode === 0x23) stack.push(variables[reader.unsigned()]?.value);
    else if (opcode === 0x6a) stack.push(combine(stack, (a, b) => a + b));
    else if (opcode === 0x6b) stack.push(combine(stack, (a, b) => a - b));
    else if (opcode === 0x6c) stack.push(combine(stack, Math.imul));
    // i64's add, sub and mul
    else if (opcode >= 0x7c && opcode <= 0x7e) stack.splice(-2, 2, undefined);
    // i64.const, ref.null, ref.func
    else if (opcode === 0x42 || opcode === 0xd0 || opcode === 0xd2) stack.push(skipNumber(reader));
    else if (opcode === 0x43) unknown(4);
    else if (opcode === 0x44) unknown(8);
    else if (opcode === 0xfd && reader.unsigned() === 12) unknown(16);
    else {
      reader.giveUp();
      return undefined;
    }
  }
  return stack.pop();
}

function skipNumber(reader: Reader): undefined {
  reader.unsigned();
}

/** The module's own globals. */
function readGlobals(reader: Reader, variables: Variable[]): void {
  for (const _ of reader.times(reader.unsigned())) {
    skipType(reader);
    const mutable = reader.byte() === 1;
    variables.push({ mutable, value: readConstant(reader, variables) });
  }
  // What is not read may be anything.
  if (reader.gaveUp) variables.push({ mutable: true, value: undefined });
}

/** Where data is put. */
function readData(
  reader: Reader,
  variables: readonly Variable[],
): Pick<GuestBinary, "data" | "movable"> {
  let data: GuestBinary["data"];
  for (const _ of reader.times(reader.unsigned())) {
    const flags = reader.unsigned();
    if (flags === SEGMENT.memoryNamed) reader.unsigned();
    const placed = flags !== SEGMENT.passive;
    const start = placed ? readConstant(reader, variables) : 0;
    if (start === undefined) return { data, movable: true };
    const length = reader.unsigned();
    reader.skip(length);
    if (!placed) continue;
    const end = start + length;
    data = {
      start: Math.min(data?.start ?? start, start),
      end: Math.max(data?.end ?? end, end),
    };
  }
  return { data, movable: false };
}

/** Names that are exported stay where names are stripped. */
function readExports(reader: Reader, globals: Map<string, number>): void {
  for (const _ of reader.times(reader.unsigned())) {
    const name = reader.text();
    const kind = reader.byte();
    const index = reader.unsigned();
    if (kind === KIND.global) globals.set(name, index);
  }
}

function readNames(reader: Reader, functions: Set<string>, globals: Map<string, number>): void {
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
}

/** Reads a binary that is valid WebAssembly; what is none gives a description of something, or of nothing. */
export function readGuest(bytes: Uint8Array): GuestBinary {
  const memories: MemoryDescription[] = [];
  const variables: Variable[] = [];
  let placed: ReturnType<typeof readData> = { data: undefined, movable: false };
  const functions = new Set<string>();
  const globals = new Map<string, number>();
  const reader = new Reader(bytes, 8, bytes.length);
  while (reader.more) {
    const id = reader.byte();
    const section = reader.part();
    if (id === SECTION.import) readImports(section, memories, variables);
    else if (id === SECTION.global) readGlobals(section, variables);
    else if (id === SECTION.export) readExports(section, globals);
    else if (id === SECTION.data) placed = readData(section, variables);
    else if (id === SECTION.custom && section.text() === "name") {
      readNames(section, functions, globals);
    } else if (id === SECTION.memory) {
      const count = section.unsigned();
      for (const _ of section.times(count)) memories.push(readMemory(section, undefined));
    }
  }
  const firstValueOf = (name: string) => variables[globals.get(name) ?? -1]?.value;
  return {
    ...placed,
    memory: memories[0],
    memories: memories.length,
    variables: variables.some(({ mutable }) => mutable),
    firstValues: variables.flatMap(({ mutable, value }) => (mutable ? (value ?? []) : [])),
    stackStart: firstValueOf("__stack_pointer"),
    heapBase: firstValueOf("__heap_base") ?? firstValueOf("~lib/memory/__heap_base"),
    functionNames: functions,
  };
}
