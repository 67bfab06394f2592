/**
 * Cores of several policies over one heap, in turn: whatever each may choose for itself (core/policy/), the others go on with the
 * heap as it leaves it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compiledWith, play, shipped } from "../support/policies.js";
import { long, onlyLong } from "../support/profile.js";

const ALWAYS = 2 ** 32 - 1;

/** Policies, by what is theirs alone. All look at a full pool as soon as the shipped one does, which `validate` relies on. */
const policies = {
  shipped: undefined,
  linked: { policy: "linked" },
  "never lean, few blocks at once": {
    numbers: { LEAN_UNITS: 0, GROWTH_BITS: 1, CARVE_BYTES: 64, TAIL_BITS: 2, MOST_UNSEEN: 4 },
  },
  "lean for a while": {
    policy: "linked",
    numbers: { LEAN_UNITS: 60, LEAN_THRESHOLD: 64, LONGEST_KEPT: 20_000, UNSEEN_BITS: 6 },
  },
} as const;

/** ... and for the longer profile. */
const more = {
  "always lean, short pools": {
    numbers: {
      ...{ LEAN_UNITS: ALWAYS, LEAN_GROWTH_BITS: 31, LEAN_THRESHOLD: 128, TAIL_BITS: 12 },
      ...{ MOST_UNSEEN: 1, LONGEST_KEPT: 0 },
    },
  },
  "long pools": {
    policy: "linked",
    numbers: { LEAN_UNITS: 0, GROWTH_BITS: 0, CARVE_BYTES: 16_384, MOST_UNSEEN: 16 },
  },
} as const;

type Name = keyof typeof policies | keyof typeof more;

function coreOf(name: Name): Promise<WebAssembly.Module> | WebAssembly.Module {
  const policy = { ...policies, ...more }[name];
  return policy === undefined ? shipped.core : compiledWith("core", policy);
}

const all = Object.keys(long ? { ...policies, ...more } : policies) as Name[];
const pairs = all.flatMap((one, at) => all.slice(at + 1).map((other) => [one, other]));

/** Some games, each with its seed; every other one is refused memory. */
function playGames(cores: readonly WebAssembly.Module[], validate: WebAssembly.Module): void {
  const [games, steps] = long ? [10, 5000] : [4, 3000];
  let refused = 0;
  for (let seed = 1; seed <= games; seed++) refused += play({ cores, validate, seed, steps });
  assert.ok(refused > games, `${refused} requests were refused`);
}

for (const names of [...pairs, all] as readonly Name[][]) {
  test(`in turn: ${names.join("; ")}`, async () => {
    playGames(await Promise.all(names.map(coreOf)), shipped.validate);
  });
}

test("a core that rarely looks at full pools, with its own validation", {
  skip: onlyLong,
}, async () => {
  const policy = { numbers: { MOST_UNSEEN: 1000, UNSEEN_BITS: 2 } };
  const rare = await compiledWith("core", policy);
  const cores = [rare, shipped.core, await coreOf("linked")];
  playGames(cores, await compiledWith("validate", policy));
});

test("a number that no policy has is refused by name", async () => {
  await assert.rejects(compiledWith("core", { numbers: { LEAN_UNIT: 1 } }), {
    name: "TypeError",
    message: "number LEAN_UNIT, expected one of core/policy",
  });
});
