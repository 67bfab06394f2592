/** The references of the interpreter's frames that lie in objects: those of generators, and of frames that have returned. */
import type { Address } from "../../base/base.js";
import { FrameFields, TAG_BITS } from "../../python/python.js";
import { EdgeKind, edgeName } from "../graph/graph.js";
import type { Edges } from "./edges.js";
import type { Objects } from "./objects.js";

export class FrameReferences {
  readonly #edges: Edges;
  readonly #objects: Objects;
  readonly #u8: Uint8Array;

  constructor(edges: Edges) {
    this.#edges = edges;
    this.#objects = edges.nodes.objects;
    this.#u8 = this.#objects.image.u8;
  }

  /** Has a generator run to its end? */
  isCleared(generator: Address): boolean {
    const state = this.#u8[generator + FrameFields.generatorState] as number;
    return state >= FrameFields.cleared && state < 0x80;
  }

  /** The references of an interpreter's frame in an object, with the names of its variables. Of one that was cleared only the code is left. */
  frame(frame: Address, end: Address, cleared: boolean): void {
    const code = (this.#edges.word(frame + FrameFields.code) & ~TAG_BITS) >>> 0;
    this.#tagged(this.#edges.word(frame + FrameFields.code), "f_code", 0);
    if (cleared) return;
    this.#tagged(this.#edges.word(frame + FrameFields.function), "function", 0);
    this.#edges.internal(this.#edges.word(frame + FrameFields.locals), "f_locals");
    this.#edges.internal(this.#edges.word(frame + FrameFields.frameObject), "frame");
    if (this.#edges.nodes.at(code) === 0) return;
    const first = frame + FrameFields.first;
    const variables = this.#edges.word(code + FrameFields.codeLocals);
    const top = this.#edges.word(frame + FrameFields.stackTop);
    const used = this.#objects.layout.taggedFrames ? (top - first) >> 2 : top | 0;
    const count = Math.min(Math.max(used, variables), (end - first) >>> 2);
    const names =
      this.#edges.word(code + FrameFields.codeLocalNames) + this.#objects.layout.tupleItems;
    for (let index = 0; index < count; index++) {
      const name = index < variables ? this.#edges.word(names + 4 * index) : 0;
      this.#tagged(this.#edges.word(first + 4 * index), "stack", name);
    }
  }

  /** A reference of a frame, whose lowest bits may say that it isn't counted, or that it is a number. */
  #tagged(word: number, text: string, name: number): void {
    const tag = this.#objects.layout.taggedFrames ? word & TAG_BITS : 0;
    if (tag === TAG_BITS) return;
    const pointer = (word & ~TAG_BITS) >>> 0;
    if ((tag & 1) !== 0)
      this.#edges.edge(
        pointer,
        edgeName(EdgeKind.weak, this.#edges.nodes.builder.text(`${text} (borrowed)`)),
      );
    else this.#edges.named(pointer, EdgeKind.local, name, text);
  }
}
