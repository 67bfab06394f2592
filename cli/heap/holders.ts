/** Who holds the objects of a type, or one object. */
import type { Snapshot } from "../../inspect/inspect.js";
import { printable, UsageError, whole } from "../../process/process.js";
import { holdersOf } from "../../viewer/viewer.js";
import { bytesText, type Terminal } from "../terminal.js";

/** Paths that are told of one object. */
const PATHS = 5;

export type Held = ReturnType<typeof heldIn>;

/** @throws UsageError when nothing is found */
export function heldIn(snapshot: Snapshot, what: string, most: number) {
  const nodes = snapshot.find(what);
  const [first] = nodes;
  if (first === undefined) {
    throw new UsageError(
      `--holds: there is no ${JSON.stringify(what)}; expected a type, such as Order or app.Order, or an object's address, such as 0x1a2b30`,
    );
  }
  const { graph } = snapshot;
  const example = snapshot.pathsTo(first, { limit: PATHS }).map(String);
  return {
    what,
    count: nodes.length,
    own: nodes.reduce((sum, node) => sum + (graph.own[node] as number), 0),
    holders: nodes.length === 1 ? { rows: [], left: 0 } : holdersOf(snapshot, nodes, most),
    address: graph.addresses[first] as number,
    paths: example,
  };
}

export function holderLines(
  { what, count, own, holders, address, paths }: Held,
  terminal: Terminal,
): string[] {
  const objects = `${whole(count)} ${count === 1 ? "object" : "objects"}`;
  const lines = [
    terminal.bold(`${printable(what)}: ${objects}, ${bytesText(own)} of their own`),
    "",
  ];
  for (const { path, count: held, bytes } of holders.rows) {
    const numbers = `${whole(held).padStart(11)}  ${bytesText(bytes).padStart(9)}`;
    lines.push(`${numbers}  ${terminal.bar(held / count, 12)}`, `    ${printable(path)}`);
  }
  const more = holders.left;
  if (more > 0) lines.push(terminal.dim(`and ${whole(more)} other ways`));
  if (holders.rows.length > 0) lines.push("");
  if (paths.length === 0) return [...lines, "Nothing that is known holds it."];
  return [
    ...lines,
    terminal.dim(`The one at 0x${address.toString(16)}, by the shortest ways:`),
    ...paths.map((path) => `    ${printable(path)}`),
  ];
}
