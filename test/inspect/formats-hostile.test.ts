/** Files .pymem that were spoilt: each is refused, with the offset of what is wrong, or nothing of account was changed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readPymem } from "../../inspect/formats/formats.js";
import {
  assertSame,
  type Chunk,
  chunksOf,
  fileOf,
  MIB,
  memoryOf,
  packed,
  refused,
  start,
  written,
} from "./formats-files.js";

/** One way to spoil a file: its bytes, its end, a chunk's header, or what is compressed in a chunk. */
const damage = fc.record({
  kind: fc.constantFrom("flip", "cut", "more", "header", "payload", "order", "double"),
  at: fc.nat(),
  value: fc.constantFrom(0, 1, 7, 36, 128, 255, 4096, 65537, MIB, 2 ** 31, 2 ** 32 - 1),
});

function spoilt(file: Buffer, { kind, at, value }: { kind: string; at: number; value: number }) {
  const bytes = Buffer.from(file);
  const place = at % bytes.length;
  if (kind === "flip") bytes[place] = (bytes[place] as number) ^ (1 << (value & 7));
  if (kind === "flip") return bytes;
  if (kind === "cut") return bytes.subarray(0, place);
  if (kind === "more") return Buffer.concat([bytes, Buffer.alloc(1 + (value % 99), at)]);
  const chunks = chunksOf(file);
  const chosen = at % chunks.length;
  const chunk = chunks[chosen] as Chunk;
  if (kind === "order") chunks.push(...chunks.splice(chosen, 1));
  if (kind === "double") chunks.splice(chosen, 0, chunk);
  if (kind === "payload") chunk.payload[at % chunk.payload.length] = value & 255;
  if (kind !== "header") return fileOf(chunks);
  const packs = chunks.map((each) => packed(each));
  packs[chosen]?.writeUInt32LE(value, 4 * (at % 3));
  return Buffer.concat([start, ...packs]);
}

test("a spoilt file is refused with its offset, or it is another memory as good as any", async () => {
  const image = memoryOf(2 * MIB, [0, 5, 300]);
  const file = await written(image);
  let same = 0;
  let other = 0;
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(damage, async (how) => {
      runs++;
      const bytes = spoilt(file, how);
      try {
        const found = await readPymem(bytes);
        assert.equal(found.u8.length % 4, 0);
        const equal = Buffer.compare(found.u8, image.u8) === 0;
        // A flipped bit may be one that gzip doesn't look at, but no damage by chance goes unseen.
        assert.ok(equal || how.kind === "payload", how.kind);
        if (equal) same++;
        else other++;
      } catch (error) {
        assert.ok(error instanceof RangeError, `${error}`);
        assert.match(error.message, /^\.pymem: at byte \d+: [^\n]{1,300}$/);
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(same + other < runs / 2, `${same} and ${other} of ${runs}`);
});

test("every bit of a small file, flipped: refused, or not of any account", async () => {
  const image = memoryOf(8192, [1], { proxies: [], types: {}, jsValues: {}, symbols: {} });
  const file = await written(image);
  for (let bit = 0; bit < 8 * file.length; bit++) {
    const bytes = Buffer.from(file);
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    const found = await readPymem(bytes).catch((error: Error) => error.message);
    if (typeof found === "string") assert.match(found, /^\.pymem: at byte \d+: /);
    else assertSame(found, image);
  }
  for (let end = 0; end < file.length; end++) {
    await refused(file.subarray(0, end), /^\.pymem: at byte \d+: /);
  }
});
