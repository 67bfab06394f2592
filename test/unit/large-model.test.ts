/**
 * The malloc of an own memory against a model of it: millions of random steps, the books balanced after every chunk of them. A hundred
 * million: PYMALLOC_STEPS=1e8 node --test --import tsx test/unit/large-model.test.ts
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Large } from "../../hosts/hosts.js";
import { PAGE } from "../support/large.js";
import { type Bits, below, type Field, LargeGame } from "../support/large-model.js";
import { long } from "../support/profile.js";

const STEPS = Number(process.env["PYMALLOC_STEPS"] ?? (long ? 5e6 : 1.5e6));
assert.ok(STEPS >= 1e5, `PYMALLOC_STEPS is ${STEPS}, expected a number of steps, 1e5 or more`);

/** After so many steps the books are to balance; after so many a memory is another one. */
const CHUNK = 25_000;
const STEPS_OF_GAME = 1_000_000;

/** Up to 2 ** power bytes, every power as often. */
const upTo = (bits: Bits, power: number) => below(bits, 2 ** (bits() % (power + 1)) + 1);

const mixed = (bits: Bits) => upTo(bits, (bits() & 63) === 0 ? 20 : 14);
const short = (bits: Bits) => below(bits, (bits() & 15) === 0 ? 20_000 : 700);
/** In whole MB, so that not every page of 4 GiB is written to. */
const huge = (bits: Bits) => {
  if ((bits() & 7) !== 0) return upTo(bits, 16);
  return (bits() & 31) === 0 ? 2 ** 31 - 1 : 2 ** 20 * below(bits, 2 ** (bits() % 12));
};

const beside: Field = {
  name: "beside pools",
  pools: true,
  maximumPages: 4096,
  blocks: 4000,
  bytes: mixed,
};

/** The share of the steps that is played on a field, and the field. */
const fields: readonly (readonly [share: number, field: Field])[] = [
  [0.34, beside],
  [0.34, { name: "all blocks", pools: false, maximumPages: 4096, blocks: 8000, bytes: short }],
  [0.15, { name: "refused", pools: true, maximumPages: 40, blocks: 3000, bytes: mixed }],
  [0.15, { name: "refused, short", pools: false, maximumPages: 24, blocks: 4000, bytes: short }],
  [0.01, { name: "4 GiB", pools: true, maximumPages: 65536, blocks: 500, bytes: huge }],
  [0.01, { name: "4 GiB, 16", pools: false, maximumPages: 65536, blocks: 500, bytes: huge }],
];

for (const [share, field] of fields) {
  test(`${field.name}: ${Math.round(share * STEPS)} steps`, () => {
    let [refused, highest] = [0, 0];
    let rest = Math.round(share * STEPS);
    for (let seed = 0; rest > 0; seed++) {
      const game = new LargeGame(field, seed);
      let played = 0;
      try {
        for (; played < STEPS_OF_GAME && rest > 0; rest -= CHUNK) {
          game.play(Math.min(CHUNK, rest));
          game.assertBalanced();
          played += CHUNK;
        }
      } catch (error) {
        throw new Error(`seed ${seed}, before step ${played + CHUNK}: ${(error as Error).stack}`);
      }
      game.fill();
      game.assertBalanced();
      refused += game.refused;
      highest = Math.max(highest, game.highest);
    }
    const isNarrow = field.maximumPages < 100 || field.maximumPages > 60_000;
    if (isNarrow) assert.ok(refused > STEPS / 1e5, `${refused} were refused`);
    // There may be too few blocks for the last pages.
    const most = Math.min(field.maximumPages, 65535) * PAGE;
    assert.ok(highest <= most && highest > most - 16 * PAGE, `the highest break is ${highest}`);
  });
}

/** Mallocs that are wrong once in a while. */
const wrong: Record<string, (system: Large, bits: Bits) => Partial<Large>> = {
  "a block is given out twice": ({ malloc }, bits) => {
    let before = 0;
    return {
      malloc(bytes) {
        if (before !== 0 && (bits() & 1023) === 0) return before;
        before = malloc(bytes);
        return before;
      },
    };
  },
  "calloc gives what was there": ({ malloc }) => ({
    calloc: (count, size) => malloc(count * size),
  }),
  "memalign is malloc": ({ malloc }) => ({ memalign: (_, bytes) => malloc(bytes) }),
  "realloc does not copy": ({ malloc, free }) => ({
    realloc(p, bytes) {
      const moved = malloc(bytes);
      if (moved !== 0) free(p);
      return moved;
    },
  }),
  "free forgets a block": ({ free }, bits) => ({
    free: (p) => (bits() & 1023) !== 0 && free(p),
  }),
  "blocks are longer than they have to be": ({ malloc }) => ({
    malloc: (bytes) => malloc(bytes + 64),
  }),
  "requests are refused for no reason": ({ malloc }) => ({
    malloc: (bytes) => (bytes > 2000 ? 0 : malloc(bytes)),
  }),
  "what is left to others is not": () => ({ leave: () => 1, takeBack() {} }),
};

for (const [what, damage] of Object.entries(wrong)) {
  test(`a malloc that is wrong is found: ${what}`, () => {
    const bits = new LargeGame(beside, 99).bits;
    const game = new LargeGame(beside, 1, (system) => damage(system, bits));
    assert.throws(() => {
      game.play(CHUNK);
      game.assertBalanced();
    }, /AssertionError|RuntimeError/);
  });
}
