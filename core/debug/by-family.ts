/** The debug functions of each family without the context, for callers that are not CPython. */

import { MEM, OBJECT, RAW } from "./debug-layout";
import { pyCalloc, pyFree, pyMalloc, pyRealloc } from "./hooks";

export function rawDebugMalloc(bytes: usize): usize {
  return pyMalloc(RAW, bytes);
}

export function rawDebugCalloc(count: usize, size: usize): usize {
  return pyCalloc(RAW, count, size);
}

export function rawDebugRealloc(p: usize, bytes: usize): usize {
  return pyRealloc(RAW, p, bytes);
}

export function rawDebugFree(p: usize): void {
  pyFree(RAW, p);
}

export function memDebugMalloc(bytes: usize): usize {
  return pyMalloc(MEM, bytes);
}

export function memDebugCalloc(count: usize, size: usize): usize {
  return pyCalloc(MEM, count, size);
}

export function memDebugRealloc(p: usize, bytes: usize): usize {
  return pyRealloc(MEM, p, bytes);
}

export function memDebugFree(p: usize): void {
  pyFree(MEM, p);
}

export function objectDebugMalloc(bytes: usize): usize {
  return pyMalloc(OBJECT, bytes);
}

export function objectDebugCalloc(count: usize, size: usize): usize {
  return pyCalloc(OBJECT, count, size);
}

export function objectDebugRealloc(p: usize, bytes: usize): usize {
  return pyRealloc(OBJECT, p, bytes);
}

export function objectDebugFree(p: usize): void {
  pyFree(OBJECT, p);
}
