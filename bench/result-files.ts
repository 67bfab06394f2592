/** What bench/results/ has beside the figures: all of it is made of them. */
import { drawPython } from "./chart.js";
import { PARTS, type Results, renderPart } from "./render.js";

/** The files by their names. */
export function resultFiles(results: Results): Readonly<Record<string, string>> {
  return {
    "results.md": `${PARTS.map((part) => renderPart(part, results)).join("\n\n")}\n`,
    "python.svg": drawPython(results.python.figures),
  };
}
