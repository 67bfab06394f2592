/**
 * One program's functions put into another: what other folders may use of it. What the package lets out is in index.ts and vite.ts.
 */

export { cachedLink } from "./cache.js";
export { LinkError } from "./errors.js";
export { link } from "./index.js";
export { stubImports } from "./program.js";
