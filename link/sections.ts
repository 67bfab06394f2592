/** Sections of a WebAssembly program, for what Binaryen has no function for: they are found and written anew. */

export interface Section {
  /** Where it begins, where its content does, and where it ends. */
  readonly from: number;
  readonly start: number;
  readonly end: number;
}

/** The numbers of sections, and what precedes the first one. */
export const Sections = {
  custom: 0,
  import: 2,
  table: 4,
  memory: 5,
  export: 7,
  data: 11,
  dataCount: 12,
} as const;
const HEADER_BYTES = 8;

/** A number as WebAssembly writes it (LEB128), without a sign, and where it ends; it does beyond the last byte. */
export function readNumber(bytes: Uint8Array, from: number): [value: number, end: number] {
  let value = 0;
  for (let at = from, scale = 1; ; scale *= 128) {
    const byte = bytes[at++] as number;
    value += (byte & 127) * scale;
    if (!(byte > 127)) return [value, at];
  }
}

/** The bytes of a number without a sign. */
export function unsignedBytes(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsignedBytes(value >>> 7)];
}

/** The bytes of a number with a sign: bit 6 of the last one is it. */
export function signedBytes(value: number): number[] {
  if (value >= -64 && value < 64) return [value & 127];
  return [(value & 127) | 128, ...signedBytes(value >> 7)];
}

/** The first section of a number; undefined where there is none. */
export function findSection(program: Uint8Array, id: number): Section | undefined {
  for (let from = HEADER_BYTES; from < program.length; ) {
    const [length, start] = readNumber(program, from + 1);
    if (program[from] === id) return { from, start, end: start + length };
    from = start + length;
  }
  return undefined;
}

/** The program with another content in a section. */
export function withContent(
  program: Uint8Array,
  { from, end }: Section,
  parts: readonly (Uint8Array | readonly number[])[],
): Uint8Array {
  const content = Buffer.concat(parts.map((part) => Uint8Array.from(part)));
  const head = Uint8Array.of(program[from] as number, ...unsignedBytes(content.length));
  return Buffer.concat([program.subarray(0, from), head, content, program.subarray(end)]);
}

/** In which order sections follow each other: that of their numbers, but for those of tags and of the data's count. */
function orderOf(id: number): number {
  if (id === TAGS) return Sections.memory + 0.5;
  return id === Sections.dataCount ? 9.5 : id;
}

const TAGS = 13;

/** The program with a section that it lacks. */
export function withSection(
  program: Uint8Array,
  id: number,
  content: readonly number[],
): Uint8Array {
  let at = HEADER_BYTES;
  while (at < program.length) {
    const other = program[at] as number;
    if (other !== Sections.custom && orderOf(other) > orderOf(id)) break;
    const [length, start] = readNumber(program, at + 1);
    at = start + length;
  }
  const section = Uint8Array.from([id, ...sized(content)]);
  return Buffer.concat([program.subarray(0, at), section, program.subarray(at)]);
}

/** The program without its custom sections of these names. */
export function withoutCustom(program: Uint8Array, names: readonly string[]): Uint8Array {
  const kept = [program.subarray(0, HEADER_BYTES)];
  for (let from = HEADER_BYTES; from < program.length; ) {
    const [length, start] = readNumber(program, from + 1);
    const [named, at] = readNumber(program, start);
    const name = Buffer.from(program.subarray(at, at + named)).toString("latin1");
    const end = start + length;
    if (program[from] !== Sections.custom || !names.includes(name)) {
      kept.push(program.subarray(from, end));
    }
    from = end;
  }
  return Buffer.concat(kept);
}

/** The parts of the section "name" that are written here. */
const NAMED = { functions: 1, tables: 5, memories: 6, globals: 7 } as const;

/** Names by numbers, of what a program has. */
export type Names = Readonly<Partial<Record<keyof typeof NAMED, ReadonlyMap<number, string>>>>;

export function sized(content: readonly number[]): number[] {
  return [...unsignedBytes(content.length), ...content];
}

/** A text of ASCII characters. */
export function textBytes(text: string): number[] {
  return sized([...Buffer.from(text, "latin1")]);
}

/** The program with names, for who reads it: the last ones that are given count. */
export function withNames(program: Uint8Array, names: Names): Uint8Array {
  const parts = Object.entries(NAMED).flatMap(([kind, id]) => {
    const given = names[kind as keyof typeof NAMED];
    if (given === undefined) return [];
    const entries = [...given].flatMap(([at, name]) => [...unsignedBytes(at), ...textBytes(name)]);
    return [id, ...sized([...unsignedBytes(given.size), ...entries])];
  });
  const section = [Sections.custom, ...sized([...textBytes("name"), ...parts])];
  return Buffer.concat([program, Uint8Array.from(section)]);
}
