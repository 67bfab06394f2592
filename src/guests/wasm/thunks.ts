/**
 * An allocator that JavaScript has, as functions that fit into a guest's function table: only WebAssembly's own
 * can be put there.
 */

declare function hostMalloc(ctx: usize, bytes: usize): usize;
declare function hostCalloc(ctx: usize, count: usize, size: usize): usize;
declare function hostRealloc(ctx: usize, p: usize, bytes: usize): usize;
declare function hostFree(ctx: usize, p: usize): void;
declare function hostArenaFree(ctx: usize, p: usize, bytes: usize): void;

/** An arena allocator's `alloc` has the same type. */
export function malloc(ctx: usize, bytes: usize): usize {
  return hostMalloc(ctx, bytes);
}

export function calloc(ctx: usize, count: usize, size: usize): usize {
  return hostCalloc(ctx, count, size);
}

export function realloc(ctx: usize, p: usize, bytes: usize): usize {
  return hostRealloc(ctx, p, bytes);
}

export function free(ctx: usize, p: usize): void {
  hostFree(ctx, p);
}

export function arenaFree(ctx: usize, p: usize, bytes: usize): void {
  hostArenaFree(ctx, p, bytes);
}
