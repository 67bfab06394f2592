/**
 * The policy: every number that tunes a heap, with its reason and the figure that decided it.
 *
 * There is one file for each kind of host, `default.ts` and `linked.ts`, and what both have in common is in `common.ts`. A
 * program's policy is chosen when it is compiled: `tools/compile.ts` has the compiler read the other name in the place of this one.
 * What is in core/linked/ has no choice, and reads `linked.ts`.
 *
 * What is no part of it: what a user chooses (base/options.ts), what CPython says (core/objects/object-layout.ts), and the
 * linker's one number, INLINED_SIZE in link/bind.ts.
 */

export * from "./default";
