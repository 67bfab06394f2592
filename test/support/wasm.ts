/** WebAssembly written by hand: small guests whose every byte a test decides. */

/** LEB128 of a number from 0 up, or of a constant's value with its sign. */
export function leb(value: number, signed = false): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const low = rest & 127;
    rest = signed ? rest >> 7 : rest >>> 7;
    const done = signed ? rest === (low & 64 ? -1 : 0) : rest === 0;
    bytes.push(done ? low : low | 128);
    if (done) return bytes;
  }
}

export const text = (value: string): number[] => [
  ...leb(value.length),
  ...[...value].map((letter) => letter.charCodeAt(0)),
];

export const vector = (items: readonly (readonly number[])[]): number[] => [
  ...leb(items.length),
  ...items.flat(),
];

export const i32 = 0x7f;
export const i64 = 0x7e;
export const constant = (value: number): number[] => [0x41, ...leb(value, true), 0x0b];
/** An expression that is an imported global's value. */
export const globalAt = (index: number): number[] => [0x23, ...leb(index), 0x0b];

export interface Segment {
  readonly at: readonly number[];
  readonly bytes: readonly number[];
}

export interface Parts {
  /** What is imported besides: module, name, and its description. */
  readonly imports?: readonly (readonly [string, string, readonly number[]])[];
  readonly memory?: readonly number[];
  /** The guest's own function, of no parameters, behind those that are imported; and the name that it is exported by. */
  readonly code?: readonly number[];
  readonly exported?: string;
  readonly start?: number;
  readonly table?: readonly number[];
  readonly globals?: readonly (readonly number[])[];
  readonly elements?: readonly (readonly number[])[];
  readonly data?: readonly Segment[];
}

const section = (id: number, content: readonly number[] | undefined): number[] =>
  content === undefined ? [] : [id, ...leb(content.length), ...content];

export const functionImport = [0, 0];
export const globalImport = (type: number): number[] => [3, type, 0];
export const tableImport = [1, 0x70, 0, 1];

/** A guest that imports its memory as env.memory. Type 0 is () -> (), type 1 (i32) -> i32. */
export function wasm(parts: Parts): Uint8Array<ArrayBuffer> {
  const { imports = [], memory = [0, 2], code, start, table, globals, elements, data } = parts;
  const { exported = "run" } = parts;
  const wanted: readonly (readonly [string, string, readonly number[]])[] = [
    ...imports,
    ["env", "memory", [2, ...memory]],
  ];
  const functions = imports.filter(([, , what]) => what[0] === 0).length;
  const types = vector([
    [0x60, 0, 0],
    [0x60, 1, i32, 1, i32],
  ]);
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(
      2,
      vector(wanted.map(([module, name, what]) => [...text(module), ...text(name), ...what])),
    ),
    ...section(3, code && vector([[0]])),
    ...section(4, table && vector([table])),
    ...section(6, globals && vector(globals)),
    ...section(7, code && vector([[...text(exported), 0, functions]])),
    ...section(8, start === undefined ? undefined : leb(start)),
    ...section(9, elements && vector(elements)),
    ...section(10, code && vector([[...leb(code.length + 2), 0, ...code, 0x0b]])),
    ...section(
      11,
      data && vector(data.map(({ at, bytes }) => [0, ...at, ...leb(bytes.length), ...bytes])),
    ),
  ]);
}

/** A variable, as a C program's stack pointer is one. */
export const variable = (value: number): number[] => [i32, 1, ...constant(value)];
