/** The options of this folder's functions, read: unknown names and wrong values stop here. */
import { isObject, requireKnown, show, typeError } from "../base/base.js";

/**
 * @param where the function that takes them
 * @throws TypeError that names the option and what was expected
 */
export function requireOptions(options: object, known: readonly string[], where: string): void {
  if (!isObject(options)) {
    throw typeError(`${where}: options is ${show(options)}, expected an object`);
  }
  requireKnown(options, known, where);
}

/** @throws TypeError that names the option, its value and what was expected */
export function requireSwitch(name: string, value: unknown, where: string): void {
  if (value === undefined || typeof value === "boolean") return;
  throw typeError(`${where}: ${name} is ${show(value)}, expected true or false`);
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
