/**
 * CPython built with pymalloc, without building CPython, and guests that need no host: `import { link, linkGuest } from "pymalloc/link"`.
 * For build scripts (Node); needs the package `binaryen`.
 */
export { LinkError } from "./errors.js";
export { type LinkGuestOptions, linkGuest } from "./guest.js";
export { type LinkOptions, type LinkReport, link } from "./link-folder.js";
export { linkProgram } from "./link-program.js";
