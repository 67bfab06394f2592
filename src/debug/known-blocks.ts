/** What the debug heap knows of blocks, read from its shadow (core/debug/shadow.ts). Nothing here believes what it reads. */

import {
  type Address,
  bytesAt,
  type DomainName,
  debugLayout as L,
  loadWord,
  wordsAt,
} from "../../base/base.js";
import { domainNames } from "../domains.js";
import type { DebugBlock } from "./dump.js";

export function familyName(index: number): DomainName {
  return domainNames[index] as DomainName;
}

/** What the entry at an address says of the block at `start`; undefined when there is no entry. */
export function readBlock(
  memory: WebAssembly.Memory,
  start: Address,
  entry: Address,
): DebugBlock | undefined {
  if (entry === 0) return undefined;
  const [state = 0, place = 0] = bytesAt(memory, entry + L.ENTRY_STATE, 2);
  return {
    start,
    size: loadWord(memory, entry + L.ENTRY_BLOCK_SIZE),
    serial: loadWord(memory, entry + L.ENTRY_SERIAL),
    family: familyName(place & L.FAMILY_MASK),
    state,
  };
}

/** Where the blocks from before the debug mode begin that the ledger has a map of and that are there still. */
export function* earlierBlocks(memory: WebAssembly.Memory, ledger: Address): Generator<Address> {
  const at = (offset: number) => loadWord(memory, ledger + offset);
  const from = at(L.EARLIER_FROM);
  const length = Math.ceil((at(L.EARLIER_TO) - from) / 64);
  const bits = at(L.EARLIER_BITS);
  if (length <= 0 || bits + length > memory.buffer.byteLength) return;
  for (const [index, byte] of bytesAt(memory, bits, length).entries()) {
    for (let rest = byte; rest !== 0; rest &= rest - 1) {
      yield from + 64 * index + 8 * (31 - Math.clz32(rest & -rest));
    }
  }
}

const PAGE = 1 << L.PAGE_BITS;
const GRANULES = PAGE / L.GRANULE;

/**
 * All blocks of mem and object that the debug heap at a ledger knows, those that are gone as well, by rising addresses. The
 * memory must not grow meanwhile. What is damaged is passed over.
 */
export function* knownBlocks(memory: WebAssembly.Memory, ledger: Address): Generator<DebugBlock> {
  const end = memory.buffer.byteLength;
  const words = wordsAt(memory, 0, end >>> 2);
  const bytes = bytesAt(memory, 0, end);
  /** What the words from an address on lead to, with its place among them. */
  function* leadsFrom(from: Address, bytesThere: number): Generator<[number, Address]> {
    for (let index = 0; index < L.TABLE_ENTRIES; index++) {
      const to = words[(from >>> 2) + index] ?? 0;
      if (to !== 0 && to % 4 === 0 && to + bytesThere <= end) yield [index, to + L.MARK_SIZE];
    }
  }
  for (const [high, table] of leadsFrom(ledger + L.DIRECTORY_UPPER, L.TABLE_SIZE)) {
    for (const [low, shadow] of leadsFrom(table, L.SHADOW_SIZE)) {
      const page = (high * L.TABLE_ENTRIES + low) * PAGE;
      for (let granule = 0; granule < GRANULES; granule++) {
        const entry = shadow + granule * L.ENTRY_SIZE;
        if (bytes[entry + L.ENTRY_STATE] === 0) continue;
        const place = bytes[entry + L.ENTRY_PLACE] as number;
        const start = page + granule * L.GRANULE + (place >>> 4);
        const block = readBlock(memory, start, entry) as DebugBlock;
        if (block.family !== undefined && start + block.size <= end) yield block;
      }
    }
  }
}
