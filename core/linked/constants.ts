/**
 * The configure switch as a constant of C's. `_testcapi` is compiled apart from the program, and without pymalloc; when it is loaded
 * it adds `WITH_PYMALLOC` to itself (Modules/_testcapi/mem.c), and CPython's own tests go by that.
 */

import { PyBool_FromLong, theirAddObject, wordSwitch } from "./linked-host";
import { sameText } from "./text";

/** In the place of `PyModule_AddObjectRef`, for modules that are loaded. (True and False are immortal since CPython 3.12.) */
export function addObject(module: usize, name: usize, value: usize): i32 {
  return theirAddObject(module, name, sameText(name, wordSwitch) ? PyBool_FromLong(1) : value);
}
