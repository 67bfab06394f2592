/** What stands in the way of linking, in one sentence; nothing was written. */
export class LinkError extends Error {
  override readonly name = "LinkError";
}
