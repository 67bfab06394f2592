/** The switches among the options of this folder's functions, read: wrong values stop here. */
import { badOption, requireOptions } from "../base/base.js";

/** @throws TypeError that names the option, its value and what was expected */
export function requireSwitch(name: string, value: unknown, where: string): void {
  if (value === undefined || typeof value === "boolean") return;
  throw badOption(name, value, "true or false", where);
}

/** What is said of a guest that is to be linked. @throws TypeError that names the option, its value and what was expected */
export function readGuestOptions(
  options: { readonly withPydebug?: boolean },
  where: string,
): { readonly withPydebug: boolean } {
  requireOptions(options, ["withPydebug"], where);
  requireSwitch("withPydebug", options.withPydebug, where);
  return { withPydebug: options.withPydebug ?? false };
}
