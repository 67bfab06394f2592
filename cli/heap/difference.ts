import type { Terminal } from "../terminal.js";
export function differenceLines(_d: unknown, _t: Terminal, _n: number): string[] { return []; }
