/** One line on stderr that is written over, when that is a terminal. */
export class Progress {
  readonly #steps: number;
  #done = 0;

  constructor(steps: number) {
    this.#steps = steps;
  }

  /** Says what begins now. */
  step(what: string): void {
    if (process.stderr.isTTY) {
      process.stderr.write(`\r\x1b[K[${this.#done}/${this.#steps}] ${what}`);
    }
    this.#done++;
  }

  /** Takes the line away. */
  clear(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  }
}
