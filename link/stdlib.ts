/**
 * Python's standard library says how its CPython was configured: `sysconfig.get_config_var("WITH_PYMALLOC")` is a number in a
 * file of python_stdlib.zip. That one file is written anew; everything else of the archive stays as it is, byte for byte.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";

/** Records of a zip archive: where their signature stands, and what is read and written of them. */
const END = { signature: 0x06054b50, bytes: 22, count: 10, directory: 16 };
const ENTRY = {
  ...{ signature: 0x02014b50, bytes: 46, method: 10, crc: 16, packed: 20, whole: 24 },
  ...{ name: 28, extra: 30, comment: 32, offset: 42 },
};
const LOCAL = { bytes: 30, crc: 14, packed: 18, whole: 22, name: 26, extra: 28 };

const DEFLATED = 8;

const FILE = /^_sysconfigdata_.*\.py$/;

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** Where the entries of the directory begin. */
function entriesOf(zip: Buffer): { end: number; entries: number[] } {
  const signature = Buffer.alloc(4);
  signature.writeUInt32LE(END.signature);
  const end = zip.lastIndexOf(signature);
  const entries: number[] = [];
  if (end < 0 || end + END.bytes > zip.length) return { end, entries };
  let at = zip.readUInt32LE(end + END.directory);
  for (let count = zip.readUInt16LE(end + END.count); count > 0; count--) {
    if (at + ENTRY.bytes > end || zip.readUInt32LE(at) !== ENTRY.signature) break;
    entries.push(at);
    const lengths = [ENTRY.name, ENTRY.extra, ENTRY.comment];
    at += lengths.reduce((sum, field) => sum + zip.readUInt16LE(at + field), ENTRY.bytes);
  }
  return { end, entries };
}

function nameOf(zip: Buffer, entry: number): string {
  const start = entry + ENTRY.bytes;
  return zip.toString("latin1", start, start + zip.readUInt16LE(entry + ENTRY.name));
}

/** Writes the check sum and the lengths of a file into one of the records about it. */
function writeSums(
  record: Buffer,
  at: number,
  fields: { readonly crc: number; readonly packed: number; readonly whole: number },
  content: Buffer,
  packed: Buffer,
): void {
  record.writeUInt32LE(crc32(content), at + fields.crc);
  record.writeUInt32LE(packed.length, at + fields.packed);
  record.writeUInt32LE(content.length, at + fields.whole);
}

/**
 * The archive of a CPython that is configured --with-pymalloc.
 * @returns undefined where there is no such file in it, or it does not say
 */
export function stdlibWithPymalloc(bytes: Uint8Array): Uint8Array | undefined {
  const zip = Buffer.from(bytes);
  const { end, entries } = entriesOf(zip);
  const entry = entries.find((at) => FILE.test(nameOf(zip, at)));
  if (entry === undefined || zip.readUInt16LE(entry + ENTRY.method) !== DEFLATED) return undefined;
  const local = zip.readUInt32LE(entry + ENTRY.offset);
  const lengths = [LOCAL.name, LOCAL.extra].map((field) => zip.readUInt16LE(local + field));
  const start = lengths.reduce((sum, length) => sum + length, local + LOCAL.bytes);
  const behind = start + zip.readUInt32LE(entry + ENTRY.packed);
  const text = inflateRawSync(zip.subarray(start, behind)).toString("utf8");
  const told = text.replace(/('WITH_PYMALLOC': )0\b/, "$11");
  if (told === text) return undefined;

  const content = Buffer.from(told);
  const packed = deflateRawSync(content, { level: 9 });
  writeSums(zip, local, LOCAL, content, packed);
  writeSums(zip, entry, ENTRY, content, packed);
  const moved = start + packed.length - behind;
  for (const field of [
    ...entries.map((at) => at + ENTRY.offset).filter((at) => zip.readUInt32LE(at) > local),
    end + END.directory,
  ]) {
    zip.writeUInt32LE(zip.readUInt32LE(field) + moved, field);
  }
  return Buffer.concat([zip.subarray(0, start), packed, zip.subarray(behind)]);
}
