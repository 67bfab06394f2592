/** A report as a program's might be, made up, with names that try to be more than text. */
import type { Report, Tree, TypeRow } from "../../viewer/report.js";

/** Names that a page or a terminal might obey. */
export const HOSTILE = [
  "</script><script>window.broken = 1</script>",
  "<img src=x onerror=window.broken=1>",
  "\"quotes\" 'and' `ticks` & <!-- comments",
  "emoji 🐍 and \u2028 separators",
] as const;

const TYPES: [name: string, count: number, own: number][] = [
  ["builtins.dict", 4210, 2_400_000],
  ["app.Order", 30_000, 1_920_000],
  ["builtins.str", 61_000, 5_100_000],
  ["builtins.list", 900, 1_300_000],
  ["builtins.module", 210, 20_000],
  ["builtins.function", 9_800, 900_000],
  ["builtins.type", 1_200, 1_500_000],
  ["app.cache.Entry", 12_000, 960_000],
  ["builtins.code", 9_000, 1_800_000],
  ...HOSTILE.map((name): [string, number, number] => [`app.${name}`, 3, 900]),
];

function typesOf(): TypeRow[] {
  const more = Array.from({ length: 120 }, (_, n): [string, number, number] => [
    `package.module${n % 7}.Type${n}`,
    120 - n,
    (120 - n) * 64,
  ]);
  return [...TYPES, ...more].map(([name, count, own], at) => ({
    name,
    count,
    own,
    retained: Math.round(own * (1.2 + (at % 3))),
    holders:
      at > 40
        ? undefined
        : [
            {
              path: `module app > global CACHE > [*] > ${name}`,
              count: Math.ceil(count * 0.9),
              bytes: own,
            },
            {
              path: `frame main > local rows > [*] > ${name}`,
              count: Math.floor(count / 10),
              bytes: own >> 3,
            },
          ],
  }));
}

/** A tree whose books balance: each node's own and its children's bytes are what it retains, a few small ones left out. */
function treeOf(): Tree {
  const tree = {
    names: TYPES.map(([name]) => name),
    parents: [] as number[],
    types: [] as number[],
    held: [] as string[],
    labels: [] as string[],
    counts: [] as number[],
    own: [] as number[],
    retained: [] as number[],
  };
  let seed = 7;
  const next = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return seed % below;
  };
  function add(parent: number, type: number, label: string, retained: number, depth: number): void {
    const node = tree.parents.length;
    const own = depth === 0 ? 0 : Math.ceil(retained * 0.1);
    const group = depth > 1 && next(3) === 0;
    tree.parents.push(parent);
    tree.types.push(type);
    tree.held.push(group || depth === 0 ? "" : `global ${label} of app`);
    tree.labels.push(group ? "" : label);
    tree.counts.push(group ? 2 + next(3000) : 1);
    tree.own.push(own);
    tree.retained.push(retained);
    if (retained < 20_000 || depth > 5) return;
    let left = retained - own;
    for (let n = 0; left > 4000 && n < 40; n++) {
      const part = Math.max(Math.floor(left / (2 + next(3))), 2000);
      const label =
        n === 1 && depth === 1 ? (HOSTILE[next(HOSTILE.length)] as string) : `name_${n}`;
      add(node, depth === 0 ? 4 : next(TYPES.length), label, part, depth + 1);
      left -= part;
    }
  }
  add(0, 0, "", 24_000_000, 0);
  return tree;
}

export function exampleReport(): Report {
  return {
    title: "orders.pymem",
    subject: "Python 3.14.2",
    note: "",
    time: Date.UTC(2026, 10, 26, 12),
    madeBy: "0.1.0",
    objects: 128_000,
    memory: {
      total: 52_428_800,
      maximum: 2 ** 32,
      limit: 200_000_000,
      available: 14_000_000,
      allocator: "pymalloc, linked",
      note: "",
      parts: [
        { group: "program", name: "program", bytes: 5_200_000 },
        { group: "stack", name: "stack", bytes: 5_242_880 },
        { group: "pools", name: "in use", bytes: 16_500_000 },
        { group: "pools", name: "free", bytes: 1_800_000 },
        { group: "pools", name: "headers", bytes: 120_000 },
        { group: "system malloc", name: "in use", bytes: 9_200_000 },
        { group: "system malloc", name: "free", bytes: 12_200_000 },
        { group: "system malloc", name: "overhead", bytes: 400_000 },
        { group: "other", name: "other", bytes: 1_765_920 },
      ],
    },
    types: typesOf(),
    typesLeft: 31,
    tree: treeOf(),
    sheets: [
      {
        title: "Duplicates",
        meaning: "Equal values that are there more than once; one of each would do.",
        columns: [
          { name: "type", unit: "text" },
          { name: "value", unit: "text" },
          { name: "objects", unit: "count" },
          { name: "wasted", unit: "bytes" },
        ],
        rows: [
          ["str", "'delivered'", 30_000, 1_499_950],
          ["str", "'Hamburg'", 8000, 399_950],
          ...HOSTILE.map((name) => ["str", name, 4, 150]),
        ],
        left: 1200,
      },
    ],
  };
}
