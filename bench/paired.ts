/** Paired timing: candidates alternate in one process, another one first in each round. */

export interface Timing {
  /** Shortest and median round, in the unit of the work's result. */
  readonly min: number;
  readonly median: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
}

/** Times each of the works `rounds` times, after one round that is not counted. */
export function timePaired<Name extends string>(
  works: Record<Name, () => void>,
  rounds: number,
): Record<Name, Timing & { readonly samples: readonly number[] }> {
  const names = Object.keys(works) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<
    Name,
    number[]
  >;
  for (let round = -1; round < rounds; round++) {
    for (let index = 0; index < names.length; index++) {
      const name = names[(index + round + names.length) % names.length] as Name;
      const started = performance.now();
      works[name]();
      const time = performance.now() - started;
      if (round >= 0) samples[name].push(time);
    }
  }
  return Object.fromEntries(
    names.map((name) => {
      const times = samples[name];
      return [name, { min: Math.min(...times), median: median(times), samples: times }];
    }),
  ) as Record<Name, Timing & { samples: number[] }>;
}

/** The median, over the rounds, of one candidate's time divided by another's in the same round. */
export function pairedRatio(times: readonly number[], base: readonly number[]): number {
  return median(times.map((time, round) => time / (base[round] as number)));
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
