import { brand } from "../base/base.js";

/** What stands in the way of linking, in one sentence; nothing was written. */
export class LinkError extends Error {
  static {
    brand(LinkError, "pymalloc.LinkError");
  }

  override readonly name = "LinkError";
}
