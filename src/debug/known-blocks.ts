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

const GRANULES = (1 << L.PAGE_BITS) / L.GRANULE;

/** What words of the memory lead to that has room for so many bytes, with its place among them. */
function* leadsFrom(
  words: Uint32Array,
  from: Address,
  bytes: number,
): Generator<[index: number, to: Address]> {
  for (let index = 0; index < L.TABLE_ENTRIES; index++) {
    // Behind the memory's end there is no number, which is no multiple of anything either.
    const to = words[(from >>> 2) + index] as number;
    if (to !== 0 && to % 4 === 0 && to + bytes <= 4 * words.length) yield [index, to];
  }
}

/**
 * What a directory at an address leads to, by rising pages: each table, with -1, and behind it its shadows, with the number of
 * their page. What does not lie in the memory is passed over.
 */
export function* piecesOf(
  words: Uint32Array,
  directory: Address,
): Generator<[at: Address, page: number]> {
  for (const [high, table] of leadsFrom(words, directory, L.TABLE_SIZE)) {
    yield [table, -1];
    for (const [low, shadow] of leadsFrom(words, table + L.MARK_SIZE, L.SHADOW_SIZE)) {
      yield [shadow, high * L.TABLE_ENTRIES + low];
    }
  }
}

/**
 * All blocks of mem and object that the debug heap at a ledger knows, those that are gone as well, by rising addresses. The
 * memory must not grow meanwhile. What is damaged is passed over.
 */
export function* knownBlocks(memory: WebAssembly.Memory, ledger: Address): Generator<DebugBlock> {
  const end = memory.buffer.byteLength;
  const words = wordsAt(memory, 0, end >>> 2);
  const bytes = bytesAt(memory, 0, end);
  for (const [at, page] of piecesOf(words, ledger + L.DIRECTORY_UPPER)) {
    if (page < 0) continue;
    for (let granule = 0; granule < GRANULES; granule++) {
      const entry = at + L.MARK_SIZE + granule * L.ENTRY_SIZE;
      if (bytes[entry + L.ENTRY_STATE] === 0) continue;
      const place = bytes[entry + L.ENTRY_PLACE] as number;
      const start = (page * GRANULES + granule) * L.GRANULE + (place >>> 4);
      const block = readBlock(memory, start, entry) as DebugBlock;
      if (block.family !== undefined && start + block.size <= end) yield block;
    }
  }
}
