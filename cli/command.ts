/** A verb: its parser, its work, and what `--help` says. */
export interface Command {
  readonly summary: string;
  readonly help: string;
  /** Is there something to clean up, or for Python to hear, when a signal comes in the middle? */
  readonly supervised: boolean;
  /** @returns the exit status */
  main(args: readonly string[]): Promise<number>;
}
