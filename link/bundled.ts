/** What the plugins for bundlers have in common. */
import { isObject, requireKnown, show, typeError } from "../base/base.js";
import type { LinkGuestOptions } from "./guest.js";

/** What messages call the plugins. */
export const PLUGIN = "pymalloc:linked-guests";

/** @throws TypeError that names the option, its value and what was expected */
export function readOptions(options: LinkGuestOptions): LinkGuestOptions {
  if (!isObject(options)) {
    throw typeError(`linkedGuests: options is ${show(options)}, expected an object`);
  }
  requireKnown(options, ["withPydebug"], "linkedGuests");
  const { withPydebug = false } = options;
  if (typeof withPydebug !== "boolean") {
    throw typeError(`linkedGuests: withPydebug is ${show(withPydebug)}, expected true or false`);
  }
  return { withPydebug };
}
