/** What the user can put right: one line on stderr, and exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
