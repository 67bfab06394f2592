/**
 * What of a guest's binary is changed before anything is put into it: the memory that it imports becomes its own, and its
 * function table gets room. Binaryen has no functions for either.
 */
import { LinkError } from "./errors.js";
import {
  findSection,
  readNumber,
  Sections,
  textBytes,
  unsignedBytes,
  withContent,
  withSection,
} from "./sections.js";

const KIND = { table: 1, memory: 2, global: 3, tag: 4 } as const;
const FUNCREF = 0x70;
const LIMITS = { maximum: 1 } as const;
const MEMORY = "memory";

/** A memory's or table's limits: the bytes between two places. */
interface Limits {
  readonly least: number;
  readonly most: number | undefined;
  readonly end: number;
}

function readLimits(bytes: Uint8Array, from: number): Limits {
  const [flags, at] = readNumber(bytes, from);
  const [least, behind] = readNumber(bytes, at);
  if ((flags & LIMITS.maximum) === 0) return { least, most: undefined, end: behind };
  const [most, end] = readNumber(bytes, behind);
  return { least, most, end };
}

function limitsBytes({ least, most }: Pick<Limits, "least" | "most">): number[] {
  const flags = most === undefined ? 0 : LIMITS.maximum;
  return [flags, ...unsignedBytes(least), ...(most === undefined ? [] : unsignedBytes(most))];
}

/** Where a value type ends; a reference to a type of the module is longer than a byte. */
function skipType(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  return first === 0x63 || first === 0x64 ? readNumber(bytes, at + 1)[1] : at + 1;
}

interface Import {
  readonly kind: number;
  readonly from: number;
  /** Where what is said of it begins, behind its kind. */
  readonly at: number;
  readonly end: number;
}

/** The entries of the section of imports. */
function importsIn(bytes: Uint8Array): Import[] {
  const section = findSection(bytes, Sections.import);
  if (section === undefined) return [];
  const imports: Import[] = [];
  let [count, from] = readNumber(bytes, section.start);
  for (; count > 0; count--) {
    let at = from;
    for (let texts = 2; texts > 0; texts--) {
      const [length, start] = readNumber(bytes, at);
      at = start + length;
    }
    const kind = bytes[at++] as number;
    let end: number;
    if (kind === KIND.memory) end = readLimits(bytes, at).end;
    else if (kind === KIND.table) end = readLimits(bytes, skipType(bytes, at)).end;
    else if (kind === KIND.global) end = skipType(bytes, at) + 1;
    else end = readNumber(bytes, kind === KIND.tag ? at + 1 : at)[1];
    imports.push({ kind, from, at, end });
    from = end;
  }
  return imports;
}

/** The program without one of its imports. */
function withoutImport(bytes: Uint8Array, { from, end }: Import): Uint8Array {
  const section = findSection(bytes, Sections.import);
  if (section === undefined) return bytes;
  const [count, first] = readNumber(bytes, section.start);
  return withContent(bytes, section, [
    ...[unsignedBytes(count - 1), bytes.subarray(first, from)],
    bytes.subarray(end, section.end),
  ]);
}

/** The program with one more export: of its first memory. */
function withExport(bytes: Uint8Array): Uint8Array {
  const section = findSection(bytes, Sections.export);
  const entry = [...textBytes(MEMORY), KIND.memory, 0];
  if (section === undefined) return withSection(bytes, Sections.export, [1, ...entry]);
  const [count, first] = readNumber(bytes, section.start);
  return withContent(bytes, section, [
    ...[unsignedBytes(count + 1), bytes.subarray(first, section.end), entry],
  ]);
}

/**
 * The program with a memory of its own, at least so many pages long, that is exported as "memory".
 * @param otherwise how else it could do with as many as it may have
 * @throws LinkError where it may not have as many, or exports something else by that name
 */
export function withOwnMemory(bytes: Uint8Array, pages: number, otherwise: string): Uint8Array {
  const imported = importsIn(bytes).find(({ kind }) => kind === KIND.memory);
  const own = findSection(bytes, Sections.memory);
  const at = imported?.at ?? readNumber(bytes, own?.start ?? 0)[1];
  const { least, most } = readLimits(bytes, at);
  if (most !== undefined && pages > most) {
    throw new LinkError(
      `its memory has at most ${most} pages of 64 KiB, expected --max-memory to be ${pages} pages or more${otherwise}`,
    );
  }
  const content = [1, ...limitsBytes({ least: Math.max(least, pages), most })];
  const owner =
    imported === undefined
      ? withContent(bytes, own as NonNullable<typeof own>, [content])
      : withSection(withoutImport(bytes, imported), Sections.memory, content);
  const exported = WebAssembly.Module.exports(new WebAssembly.Module(owner as BufferSource));
  if (exported.some(({ kind }) => kind === "memory")) return owner;
  if (exported.some(({ name }) => name === MEMORY)) {
    throw new LinkError(
      `it exports ${JSON.stringify(MEMORY)}, which is no memory, expected a free name`,
    );
  }
  return withExport(owner);
}

/**
 * The program with so many entries more in its function table, and the number of the first of them.
 * @throws LinkError where it imports its table
 */
export function withTableEntries(
  bytes: Uint8Array,
  more: number,
): [program: Uint8Array, first: number] {
  if (importsIn(bytes).some(({ kind }) => kind === KIND.table)) {
    throw new LinkError(
      "it imports its function table, expected one of its own: link it without --import-table",
    );
  }
  // The first entry stands for NULL.
  const section = findSection(bytes, Sections.table);
  if (section === undefined) {
    const content = [1, FUNCREF, ...limitsBytes({ least: 1 + more, most: undefined })];
    return [withSection(bytes, Sections.table, content), 1];
  }
  const [, first] = readNumber(bytes, section.start);
  if (bytes[first] !== FUNCREF) throw new LinkError("its first table is not one of functions");
  const { least, most, end } = readLimits(bytes, first + 1);
  const at = Math.max(least, 1);
  const longer = {
    least: at + more,
    most: most === undefined ? undefined : most + at - least + more,
  };
  const program = withContent(bytes, section, [
    bytes.subarray(section.start, first + 1),
    limitsBytes(longer),
    bytes.subarray(end, section.end),
  ]);
  return [program, at];
}
