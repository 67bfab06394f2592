/** Command lines: what the verbs share. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { UsageError } from "../process/process.js";

/** Parses as node:util does. @throws UsageError, which names the verb, at what it does not have */
export function parseOptions<T extends ParseArgsConfig>(
  verb: string,
  config: T,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(`${verb}: ${(error as Error).message.split(". ")[0]}`);
  }
}

/** The number of `--rounds`. @throws UsageError unless it is a whole number from `least` to 1000 */
export function readRounds(option: string, least: number): number {
  const rounds = Number(option);
  if (!Number.isInteger(rounds) || rounds < least || rounds > 1000) {
    throw new UsageError(
      `--rounds: ${JSON.stringify(option)} is not a whole number from ${least} to 1000`,
    );
  }
  return rounds;
}
