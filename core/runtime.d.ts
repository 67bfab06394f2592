/**
 * What AssemblyScript's compiler defines and its package declares nowhere, for editors and for `npm run check`: functions of
 * the run time that a program is compiled with.
 */
declare function __alloc(bytes: usize): usize;
declare function __realloc(p: usize, bytes: usize): usize;
declare function __free(p: usize): void;
declare function __reset(): void;
declare const ASC_RTRACE: bool;
