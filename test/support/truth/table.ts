/**
 * Prints how snapshots compare with what Python says, by type: `node --import tsx test/support/truth/table.ts [--package
 * pyodide-029] [--way installed] [--program records] [--examples]`.
 */
import { parseArgs } from "node:util";
import { Comparison, renderComparison } from "./compare.js";
import { testimony, WAYS, type Way } from "./testimony.js";

const { values } = parseArgs({
  options: {
    package: { type: "string", default: "pyodide" },
    way: { type: "string", default: "stock" },
    program: { type: "string", multiple: true, default: [] },
    examples: { type: "boolean", default: false },
  },
});
if (!WAYS.includes(values.way as Way))
  throw new Error(`--way ${values.way}: one of ${WAYS.join(", ")}`);
const { snapshot, truth } = await testimony(values.package, values.way as Way, values.program);
const comparison = new Comparison(snapshot.graph, truth);
console.log(renderComparison(comparison));
if (values.examples) {
  for (const { type, examples } of comparison.types.values()) {
    for (const example of examples) console.log(`${type}: ${example}`);
  }
}
