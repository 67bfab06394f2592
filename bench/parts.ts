/** What can be measured: a part is a file of this folder, which measures it on an engine and renders its figures. */
import type { Engine } from "./engines.js";
import { benchGuests, renderGuests } from "./guests.js";
import { benchInspect, renderInspect } from "./inspect.js";
import { benchJavaScript, renderJavaScript } from "./javascript.js";
import { benchMemory, renderMemory } from "./memory.js";
import { benchPatterns, renderPatterns } from "./patterns.js";
import { benchPyperformance, renderPyperformance } from "./pyperformance.js";
import { benchPython, renderPython } from "./python.js";
import { benchRecords, renderRecords } from "./records.js";
import { benchTraces, renderTraces } from "./traces.js";

/** In the order of results.md. */
const parts = {
  python: { title: "Python programs", bench: benchPython, render: renderPython },
  pyperformance: {
    title: "Python's own benchmarks",
    bench: benchPyperformance,
    render: renderPyperformance,
  },
  memory: { title: "Memory of an interpreter", bench: benchMemory, render: renderMemory },
  traces: { title: "Traces", bench: benchTraces, render: renderTraces },
  patterns: { title: "Patterns", bench: benchPatterns, render: renderPatterns },
  javascript: { title: "Calls from JavaScript", bench: benchJavaScript, render: renderJavaScript },
  guests: { title: "Guests", bench: benchGuests, render: renderGuests },
  inspect: { title: "A look into a memory", bench: benchInspect, render: renderInspect },
  records: { title: "Records", bench: benchRecords, render: renderRecords },
};

export type Part = keyof typeof parts;
export const partNames = Object.keys(parts) as Part[];

export type Figures = { readonly [P in Part]: Awaited<ReturnType<(typeof parts)[P]["bench"]>> };

interface PartOf<P extends Part> {
  readonly title: string;
  /** @param programs what `--programs` says */
  readonly bench: (engine: Engine, programs: string | undefined) => Promise<Figures[P]>;
  /** Its tables and what they show, as Markdown. */
  readonly render: (figures: Figures[P]) => string;
}

export function partOf<P extends Part>(part: P): PartOf<P> {
  return parts[part] as unknown as PartOf<P>;
}
