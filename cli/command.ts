/** A verb: its parser, its work, and what `--help` says. */
export interface Command {
  readonly summary: string;
  readonly help: string;
  /** @returns the exit status */
  main(args: readonly string[]): Promise<number>;
}
