/**
 * What is wrong where an object is dead, in sentences. A guest that the debug heap is linked into has them in its memory (link/texts.ts),
 * with %h in the place of the object's address.
 */
import { objectsLayout as layout } from "../../base/base.js";

export function dead(where: string, p: string): string {
  return `${where}: the object at ${p} has 0 references, expected at least 1`;
}

function waits(where: string, p: string, why: string): string {
  return `${where}: the object at ${p} is dead and waits for its dealloc, ${why}`;
}

/** By the number that the objects' root has it by; undefined for others. */
export function refusal(number: number, p: string): string | undefined {
  switch (number) {
    case layout.REFUSED_INCREF:
      return dead("Py_INCREF", p);
    case layout.REFUSED_DECREF:
      return dead("Py_DECREF", p);
    case layout.REFUSED_INIT:
      return waits("PyObject_Init", p, "expected memory without an object");
    case layout.REFUSED_INIT_VAR:
      return waits("PyObject_InitVar", p, "expected memory without an object");
    case layout.REFUSED_DEL:
      return waits("PyObject_Del", p, "which frees it");
    default:
      return undefined;
  }
}
