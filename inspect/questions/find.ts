/** Objects by what people call them. */
import type { Node } from "../graph/graph.js";
import type { Analysis } from "./analysis.js";

const ADDRESS = /^(0x[0-9a-f]+|\d+)$/i;

/**
 * The nodes that a query means: an address (`0x1234`, or as `id()` gives it), a type (`Order`, `app.Order`), or a type and a
 * label (`str:'hello'`, `function:total`). A label in quotes is the whole one, without quotes it is a part of one.
 */
export function findNodes({ graph, facts, words }: Analysis, query: string): Node[] {
  const wanted = query.trim();
  if (ADDRESS.test(wanted)) {
    const node = facts.nodeAt(Number(wanted) >>> 0);
    return node === 0 ? [] : [node];
  }
  const [, name = "", label] = /^([^:]*)(?::(.*))?$/s.exec(wanted) ?? [];
  const quoted = /^(['"])(.*)\1$/s.exec(label ?? "")?.[2];
  const isWanted = graph.types.map(({ kind, name: short }, type) => {
    return kind !== "root" && (short === name || words.typeName(type) === name);
  });
  const found: Node[] = [];
  for (let node = 1; node < graph.nodes; node++) {
    if (isWanted[graph.typeOf[node] as number] !== true) continue;
    if (label !== undefined) {
      const own = graph.label(node);
      if (quoted === undefined ? !own.includes(label) : own !== quoted) continue;
    }
    found.push(node);
  }
  return found;
}
