import { brand } from "../base/base.js";

/** What stands in the way of linking, in one sentence; nothing was written. */
export class LinkError extends Error {
  static {
    brand(LinkError, "pymalloc.LinkError");
  }

  /** As every error has it; it stays when code is minified. */
  override readonly name = "LinkError";
}
