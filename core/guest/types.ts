/** Types and objects of a linked guest: a type's tp_dealloc is called through the guest's own function table. */

import {
  initializeType,
  OB_TYPE,
  TP_BASICSIZE,
  TP_DEALLOC,
  TP_ITEMSIZE,
  TP_NAME,
  TYPE_SIZE,
} from "../objects/objects";
import { metatype } from "./guest-host";

/** The letters of "type", as a word. */
const TYPE: u32 = 0x65707974;

/** Bytes of the metatype, with its name behind it. */
export const METATYPE_SIZE: usize = TYPE_SIZE + 8;

/** Makes a type of the struct that is filled in (CPython: PyType_Ready). Its tp_dealloc stays the function pointer that it is. */
export function PyType_Ready(type: usize): i32 {
  if (load<usize>(metatype, OB_TYPE) === 0) {
    store<u32>(metatype, TYPE, TYPE_SIZE);
    initializeType(metatype, metatype + TYPE_SIZE, <u32>TYPE_SIZE, 0, 0);
  }
  if (load<usize>(type, OB_TYPE) === metatype) return 0;
  const name = load<usize>(type, TP_NAME);
  const basicsize = load<u32>(type, TP_BASICSIZE);
  initializeType(type, name, basicsize, load<u32>(type, TP_ITEMSIZE), load<u32>(type, TP_DEALLOC));
  return 0;
}

/** See core/objects/object-host.ts. What a tp_dealloc does wrong is a trap, behind which nothing is run. */
export function dealloc(tp_dealloc: u32, p: usize): i32 {
  call_indirect<void>(tp_dealloc, p);
  return 1;
}
