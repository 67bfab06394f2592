/** The debug heap in a program that it was linked into (`pymalloc link --with-pydebug`), seen from outside. */
import { type DebugSettings, debugLayout, type MallocMode } from "../base/base.js";
import type { EmscriptenProgram } from "../hosts/hosts.js";
import { DebugHeap } from "../src/debug/debug.js";
import { PythonStackReader } from "./frames.js";
import { linkedLedger, linkedRoot, lookingCore, nothing, placedRoot } from "./linked-heap.js";
import { debugHostOf, explainerOf, type Takeover } from "./takeover.js";

/** Its mode, where it is in force: PYTHONMALLOC may have chosen none. @throws Error where the heap is none of this version's */
export function linkedDebugMode(program: EmscriptenProgram): MallocMode | undefined {
  const pools = placedRoot(program, "install") !== undefined;
  return linkedLedger(program) === undefined ? undefined : { pools, debug: true };
}

/**
 * The one that is in force. From now on JavaScript is told of its faults, which its program would end at by itself.
 *
 * @param quarantineBytes undefined to leave the quarantine as it is
 */
export function linkedDebugHeap(
  program: EmscriptenProgram,
  settings: DebugSettings,
  quarantineBytes: number | undefined,
): Takeover {
  const root = linkedRoot(program, "install") as number;
  const core = lookingCore(program, root);
  const reader = new PythonStackReader(program);
  const host = debugHostOf(program, settings, reader, (p) => core.poolOf(p));
  const debugHeap = new DebugHeap(host, linkedLedger(program) as number);
  // Nothing is asked of it but to look.
  const looking = debugHeap.instantiate({ raw: nothing, mem: nothing, object: nothing });
  if (quarantineBytes !== undefined) debugHeap.write(debugLayout.HELD_LIMIT, quarantineBytes);
  const place = program.table.grow(1);
  program.table.set(place, looking.fault);
  program.require<(whom: number) => void>("pymalloc_tell_faults")(place);
  const validate = () => looking.validate();
  return {
    ...{ core, root, debugHeap, refusing: [] },
    notLive: () => debugHeap.deadBlocks(),
    validateBlocks: validate,
    explain: explainerOf(program, debugHeap, reader, validate),
  };
}
