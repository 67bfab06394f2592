/**
 * Where an engine puts the code that it compiles makes an allocator up to a quarter slower or faster, for the life of a process.
 * So each process that measures has a placement of its own, drawn by its seed: before the clock starts, some exports of
 * the modules are called, a few once, a few often enough to be compiled anew, in an order by chance. A figure is the
 * mean over the processes, with its range.
 */
import type { Domain } from "../base/base.js";
import type { Contestant } from "../measure/measure.js";
import { randomNumbers, shuffled } from "./random.js";

/** So many there are of each figure. */
export const PLACEMENTS = 8;

/** A figure over the placements. */
export interface Spread {
  readonly mean: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    least: Math.min(...values),
    most: Math.max(...values),
  };
}

/** What is measured with each of the seeds, one after the other. */
export async function inPlacements<Result>(
  measure: (seed: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let seed = 1; seed <= PLACEMENTS; seed++) results.push(await measure(seed));
  return results;
}

type Call = () => unknown;

/** Calls of an allocator's functions that leave its heap as it was. */
export function callsOf({ malloc, calloc, realloc, free }: Domain): Call[] {
  return [
    () => free(malloc(40)),
    () => free(malloc(5000)),
    () => free(calloc(3, 8)),
    () => free(realloc(malloc(100), 150)),
  ];
}

/** So many calls have an engine compile a function with all that it can. */
const OFTEN = 30_000;

/** Draws a placement: which of the calls are made, how often, and in which order. */
export function place(calls: readonly Call[], seed: number): void {
  const random = randomNumbers(seed);
  for (const call of shuffled(calls, random)) {
    const times = [0, 1, OFTEN][Math.floor(3 * random())] as number;
    for (let i = 0; i < times; i++) call();
  }
}

/** The same for allocators that a trace is played on. */
export function placeContestants(contestants: Iterable<Contestant>, seed: number): void {
  const fields = [...contestants].map((contestant) => contestant.fresh(0));
  place(
    fields.flatMap(({ functions, others = [] }) => [...callsOf(functions), ...others]),
    seed,
  );
}
