/** What Python calls a type: its name, and the module that its dict names. */
import type { Address } from "../../base/base.js";
import { MoreTypeFlags, TypeFields } from "../../python/python.js";
import type { NodeType } from "../graph/graph.js";
import type { MemoryImage } from "../memory/memory.js";
import { eachEntry } from "./dict-entries.js";
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
  let module: string | undefined;
  eachEntry(image, dict, MOST_ENTRIES, (key, value) => {
    if (module === undefined && strAt(image, key, LONGEST_NAME) === "__module__") {
      module = strAt(image, value, LONGEST_NAME);
    }
  });
  return module;
}
