/**
 * The text of `sys._debugmallocstats()` (Objects/obmalloc.c, _PyObject_DebugMallocStats), as patterns: `%5` is a number in
 * five columns, `%,21` one with commas between its thousands, and `%|35` fills the line up to there. A linked interpreter
 * has the patterns in its memory, and core/linked/sys.ts fills them in; here, it is `fillPattern`.
 */
import { layout } from "../../base/base.js";

/** A label, and a number behind it. @__NO_SIDE_EFFECTS__ */
function line(label: string): string {
  return `${label}%|35=%,21\n`;
}

export const reportPatterns = {
  head: `Small block threshold = ${layout.SMALL_REQUEST_THRESHOLD}, in ${layout.SIZE_CLASSES} size classes.

class   size   num pools   blocks in use  avail blocks
-----   ----   ---------   -------------  ------------
`,
  /** Of a size class that has pools. */
  row: "%5 %6 %11 %15 %13\n",
  tail: /* @__PURE__ */ [
    "\n",
    line("# arenas allocated total"),
    line("# arenas reclaimed"),
    line("# arenas highwater mark"),
    line("# arenas allocated current"),
    line(`%0 arenas * ${layout.UNIT_SIZE} bytes/arena`),
    "\n",
    line("# bytes in allocated blocks"),
    line("# bytes in available blocks"),
    line(`%0 unused pools * ${layout.SLICE_SIZE} bytes`),
    line("# bytes lost to pool headers"),
    line("# bytes lost to quantization"),
    line("# bytes lost to arena alignment"),
    line("Total"),
  ].join(""),
};

/** A pattern with these numbers in it. */
export function fillPattern(pattern: string, numbers: readonly number[]): string {
  let next = 0;
  let text = "";
  for (const [piece, literal, kind, digits] of pattern.matchAll(/([^%]+)|%([,|]?)(\d+)/g)) {
    const width = Number(digits);
    if (literal !== undefined) {
      text += piece;
    } else if (kind === "|") {
      text = text.padEnd(text.lastIndexOf("\n") + 1 + width);
    } else {
      const number = numbers[next++] as number;
      const shown = kind === "," ? number.toLocaleString("en-US") : String(number);
      text += shown.padStart(width);
    }
  }
  return text;
}
