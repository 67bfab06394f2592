/** The start of a program with the debug heap: what `../start.ts` does, and the debug modes are the default. */

import { EARLIER_ANY, HELD_LIMIT, initialize } from "../../debug/debug";
import { environmentValue, wordDebug, wordDefault, wordVariable } from "../linked-host";
import { constructors as constructPlain, getenv as plainEnvironment } from "../start";
import { state } from "../state";
import { sameText } from "../text";
import { ledgerRoot, quarantineBytes } from "./pydebug-host";

/** Are blocks that nobody knows let pass, since hooks that are put on later find those from before? */
function letPass(any: bool): void {
  store<u32>(ledgerRoot, <u32>any, EARLIER_ANY);
}

/** In the place of the program's constructors. */
export function constructors(): void {
  constructPlain();
  state().debugs = false;
  initialize();
  store<usize>(ledgerRoot, quarantineBytes, HELD_LIMIT);
  letPass(true);
}

/** Is this one of PYTHONMALLOC's words for a debug mode, which end in "debug"? */
function isDebug(word: usize): bool {
  for (; load<u8>(word) !== 0; word++) if (sameText(word, wordDebug)) return true;
  return false;
}

/** Nothing was asked for, or the default. To CPython an empty text is none. */
function isDefault(word: usize): bool {
  return word === 0 || load<u8>(word) === 0 || sameText(word, wordDefault);
}

/**
 * In the place of C's getenv. CPython, which was compiled without --with-pydebug, is told that PYTHONMALLOC says "debug" where it
 * says nothing: then it puts its hooks on at the moment at which it would with the word, behind which every block that it frees was
 * made with them. So a block that nobody knows is a mistake from then on.
 */
export function getenv(name: usize): usize {
  const value = plainEnvironment(name);
  if (state().settled || !sameText(name, wordVariable)) return value;
  const word = isDefault(environmentValue(name)) ? wordDebug : value;
  letPass(!isDebug(word));
  return word;
}
