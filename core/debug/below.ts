/** The allocator below, by family. */

import {
  memCalloc,
  memFree,
  memFreeEarlier,
  memMalloc,
  objectCalloc,
  objectFree,
  objectFreeEarlier,
  objectMalloc,
  rawCalloc,
  rawFree,
  rawFreeEarlier,
  rawMalloc,
} from "./debug-host";
import { MEM, OBJECT } from "./debug-layout";

export function mallocBelow(family: u32, bytes: usize): usize {
  if (family === OBJECT) return objectMalloc(bytes);
  return family === MEM ? memMalloc(bytes) : rawMalloc(bytes);
}

export function callocBelow(family: u32, bytes: usize): usize {
  if (family === OBJECT) return objectCalloc(1, bytes);
  return family === MEM ? memCalloc(1, bytes) : rawCalloc(1, bytes);
}

export function freeBelow(family: u32, p: usize): void {
  if (family === OBJECT) objectFree(p);
  else if (family === MEM) memFree(p);
  else rawFree(p);
}

export function freeEarlier(family: u32, p: usize): void {
  if (family === OBJECT) objectFreeEarlier(p);
  else if (family === MEM) memFreeEarlier(p);
  else rawFreeEarlier(p);
}
