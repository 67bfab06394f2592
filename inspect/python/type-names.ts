/** What Python calls a type: its name, and the module that its dict names. */
import type { Address } from "../../base/base.js";
import { DictFields, MoreTypeFlags, TypeFields } from "../../python/python.js";
import type { NodeType } from "../graph/graph.js";
import type { MemoryImage } from "../memory/memory.js";
import { strAt } from "./texts.js";
import type { TypePlan } from "./types.js";

const LONGEST_NAME = 200;
/** Dicts of classes have their module first; so many entries are looked at. */
const MOST_ENTRIES = 64;

/** The name of a type and of its module, as its dict says, or as C does. */
export function nameOf(image: MemoryImage, plan: TypePlan): Pick<NodeType, "name" | "module"> {
  const { cName, address, flags } = plan;
  const dot = cName.lastIndexOf(".");
  if ((flags & MoreTypeFlags.heap) === 0) {
    return { name: cName.slice(dot + 1), module: dot < 0 ? "builtins" : cName.slice(0, dot) };
  }
  const word = (at: Address): number => image.u32[at >>> 2] ?? 0;
  const name = strAt(image, word(address + TypeFields.qualifiedName), LONGEST_NAME);
  const module = moduleOf(image, word(address + TypeFields.dict));
  return {
    name: name ?? cName.slice(dot + 1),
    module: module ?? (dot < 0 ? "" : cName.slice(0, dot)),
  };
}

/** What a dict of a class has as its `__module__`; undefined where it has none. */
function moduleOf(image: MemoryImage, dict: Address): string | undefined {
  const { u8, u32 } = image;
  const keys = u32[(dict + DictFields.keys) >>> 2] ?? 0;
  const kind = u8[keys + DictFields.kind];
  const entry = kind === DictFields.general ? 12 : 8;
  const first =
    keys + DictFields.indices + 2 ** Math.min(u8[keys + DictFields.logIndexBytes] ?? 0, 30);
  const entries = Math.min(u32[(keys + DictFields.entries) >>> 2] ?? 0, MOST_ENTRIES);
  for (let index = 0; index < entries; index++) {
    const at = first + index * entry + (entry - 8);
    const key = strAt(image, u32[at >>> 2] ?? 0, LONGEST_NAME);
    if (key === "__module__") return strAt(image, u32[(at + 4) >>> 2] ?? 0, LONGEST_NAME);
  }
  return undefined;
}
