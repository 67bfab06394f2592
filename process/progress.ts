import { isatty } from "node:tty";
import { printable, tell } from "./output.js";

/** One line on stderr that is written over, when that is a terminal. */
export class StatusLine {
  #shown = false;

  show(text: string): void {
    if (!isatty(2)) return;
    tell(`\r\x1b[K${printable(text)}`);
    this.#shown = true;
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#shown) tell("\r\x1b[K");
    this.#shown = false;
  }
}

/** Such a line that counts steps. */
export class Progress extends StatusLine {
  readonly #steps: number;
  #done = 0;

  constructor(steps: number) {
    super();
    this.#steps = steps;
  }

  /** Says what begins now. */
  step(what: string): void {
    this.show(`[${this.#done}/${this.#steps}] ${what}`);
    this.#done++;
  }
}
