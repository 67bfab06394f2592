/** Work that is done once for what it is made of. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";

/** Does the work, unless the stamp says that it was done for just this mark and what it made is there. */
export async function once(
  stamp: string,
  mark: string,
  made: readonly string[],
  work: () => unknown,
): Promise<void> {
  const known = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
  if (known === mark && made.every((path) => existsSync(path))) return;
  rmSync(stamp, { force: true });
  await work();
  writeFileSync(stamp, mark);
}
