/** SQLite, a large library: it answers the same on our malloc as on wasi-libc's. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { linkGuest } from "../../link/index.js";
import { compileSqlite, sqliteFolder, sqliteProgram } from "../../tools/sqlite.js";
import {
  buildGuest,
  buildLinkable,
  buildStock,
  exportsOf,
  instantiateAlone,
  newPath,
  reasonToSkip,
  textAt,
  wasi,
} from "../support/guests.js";
import { pooledHeap } from "../support/heaps.js";
import { LinkedGuest } from "../support/linked-guests.js";
import { long } from "../support/profile.js";

describe("SQLite", { skip: reasonToSkip() }, () => {
  const flags = [`-I${sqliteFolder}`];
  const files = [sqliteProgram, newPath(".o")];
  let expected: string;
  let guest: Uint8Array<ArrayBuffer>;

  before(() => {
    // Optimized it takes ten times as long to compile, and asks for the same blocks.
    compileSqlite(files[1] as string, [long ? "-O1" : "-O0"]);
    guest = buildGuest(files, { flags });
    const stock = instantiateAlone(buildStock(files, flags));
    expected = textAt(stock, stock.exports["run"]?.() as number);
    assert.match(expected, /^20000\|\d+\|/);
    assert.match(expected, /error: incomplete input\n$/);
    assert.equal(expected.match(/error/g)?.length, 1, "all but the last statement are right");
    assert.ok(expected.length > 50_000, `${expected.length} letters`);
  });

  for (const malloc of ["pymalloc", "malloc", "pymalloc_debug", "malloc_debug"] as const) {
    test(`it answers the same in a heap, and no mistake is found in it, malloc: "${malloc}"`, () => {
      const heap = pooledHeap({ malloc });
      const { run, done } = exportsOf(heap.instantiate(guest, { wasi_snapshot_preview1: wasi }));
      for (let round = 0; round < 2; round++) {
        const answer = run?.() as number;
        assert.equal(textAt(heap, answer), expected);
        done?.(answer);
      }
      heap.validate();
      assert.equal(heap.getAllocatedBlocks(), 0);
    });
  }

  for (const withPydebug of [false, true]) {
    test(`it answers the same when it is linked, withPydebug: ${withPydebug}`, async () => {
      const bytes = await linkGuest(buildLinkable(files, flags), { withPydebug });
      const linked = new LinkedGuest(bytes);
      for (let round = 0; round < 2; round++) {
        const answer = linked.call("run");
        assert.equal(linked.textAt(answer), expected);
        linked.call("done", answer);
      }
      linked.validate();
    });
  }
});
