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

const UNITS: Readonly<Record<string, number>> = { "": 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 };

/**
 * The bytes of `--limit`: a number with KB, MB or GB behind it (1 MB = 2^20 bytes), or of bytes.
 * @throws UsageError unless it is one, and from `least` megabytes to 4 GiB less a page of 64 KiB
 */
export function readLimitOption(verb: string, option: string, least: number): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)(KB|MB|GB)?$/i.exec(option) ?? [];
  const bytes = Math.floor(Number(number) * (UNITS[unit.toUpperCase()] as number));
  if (number !== "" && bytes >= least * 2 ** 20 && bytes <= 2 ** 32 - 65536) return bytes;
  throw new UsageError(
    `${verb}: --limit: ${JSON.stringify(option)} is no size like 200MB, from ${least}MB to 4095MB`,
  );
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
