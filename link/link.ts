/**
 * One program's functions put into another: what other folders may use of it. What the package lets out is in index.ts
 * (`pymalloc/link`), vite.ts (`pymalloc/vite`) and esbuild.ts (`pymalloc/esbuild`).
 *
 * From the ground up: sections.ts and initial-memory.ts write parts of a program for which Binaryen has no function; program.ts
 * instantiates a program without starting it, and survey.ts finds out with that what is where in it. bind.ts binds a module's
 * imports, linked-core.ts says what to, and graft.ts puts the result into the program; link-program.ts does all that.
 * pyodide-folder.ts reads a Pyodide, link-folder.ts writes the copy (stdlib.ts, build-id.ts: what else changes in it; partial.ts:
 * while it is being written), and cache.ts keeps copies.
 *
 * Guests: guest-binary.ts gives one a memory of its own, guest-place.ts finds the place of its heap, guest-core.ts says what its core
 * is bound to, and guest.ts puts that in; guest-file.ts does so with files, for the command and for bundlers (vite-guests.ts, esbuild.ts).
 * options.ts reads what these functions are given.
 */

export { cachedLink } from "./cache.js";
export { LinkError } from "./errors.js";
export { linkGuestFile } from "./guest-file.js";
export { link } from "./index.js";
export { leastLimit } from "./limit.js";
export { stubImports } from "./program.js";
export { PROGRAM } from "./pyodide-folder.js";
