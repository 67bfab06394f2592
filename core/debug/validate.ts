/** The walk over all blocks that the debug heap knows: are their pads intact, are dead ones untouched? */

import { blame } from "./faults";
import { frameDamage, isUntouched } from "./frame";
import {
  BLAMED,
  CONDEMNED,
  Entry,
  GRANULE_BITS,
  HELD,
  LIVE,
  MEM,
  ON_VALIDATE,
  PAGE_BITS,
  PAGE_MASK,
  PAGES,
  RAW,
  USE_AFTER_FREE_WRITE,
} from "./layout";
import { entryFor, offsetOf, pageFrom } from "./shadow";

/** 0, or the code of what is wrong. */
function damageOf(p: usize, entry: Entry): u32 {
  if (entry.state === HELD) return isUntouched(p, entry) ? 0 : USE_AFTER_FREE_WRITE;
  return entry.state === LIVE ? frameDamage(p, entry) : 0;
}

function walk(layer: u32): void {
  for (let page = pageFrom(layer, 0); page < PAGES; page = pageFrom(layer, page + 1)) {
    const start = page << PAGE_BITS;
    for (let offset: usize = 0; offset <= PAGE_MASK; offset += 1 << GRANULE_BITS) {
      const entry = entryFor(layer, start + offset);
      const p = start + offsetOf(entry);
      const code = damageOf(p, entry);
      if (code === 0) continue;
      blame(code, ON_VALIDATE, entry.family, p, p, entry);
      entry.state = entry.state === HELD ? CONDEMNED : BLAMED;
    }
  }
}

/** Reports everything that is damaged, once, until the host throws. */
export function validate(): void {
  walk(MEM);
  walk(RAW);
}
