/** Bytes that come from anywhere, taken by the piece. */
import { isObject, show, typeError } from "../../base/base.js";

/** What is wrong with a part of a file; who reads the file says where. */
export class DamageError extends Error {
  override readonly name = "DamageError";
}

/** Where a file may come from. */
export type ByteSource =
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

async function* fromStream(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  // Not every browser can iterate a stream.
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // It may have failed; whoever reads was told by then.
    await reader.cancel().catch(() => undefined);
  }
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}

function iterate(source: ByteSource): AsyncIterator<Uint8Array> {
  if (ArrayBuffer.isView(source)) return single(source);
  if (source instanceof ArrayBuffer) return single(new Uint8Array(source));
  if (isObject(source)) {
    if ("getReader" in source) return fromStream(source);
    if ("arrayBuffer" in source) return fromStream(source.stream());
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  }
  throw typeError(
    `a .pymem is read from ${show(source)}, expected a Uint8Array, an ArrayBuffer, a Blob or a ReadableStream`,
  );
}

/** Takes bytes off a source, in order. */
export class Pieces {
  readonly #source: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array();
  /** How many bytes were taken. */
  offset = 0;

  /** @throws TypeError for what no bytes can come from */
  constructor(source: ByteSource) {
    this.#source = iterate(source);
  }

  /** Is there a byte left? */
  async #more(): Promise<boolean> {
    while (this.#piece.length === 0) {
      const { done, value } = await this.#source.next();
      if (done) return false;
      if (!ArrayBuffer.isView(value)) {
        throw typeError(`a .pymem came with a piece that is ${show(value)}, expected a Uint8Array`);
      }
      this.#piece = value;
    }
    return true;
  }

  /** So many bytes; less than that only at the end. */
  async upTo(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    let at = 0;
    while (at < length && (await this.#more())) {
      const part = this.#piece.subarray(0, length - at);
      bytes.set(part, at);
      this.#piece = this.#piece.subarray(part.length);
      at += part.length;
    }
    this.offset += at;
    return at < length ? bytes.subarray(0, at) : bytes;
  }

  /** So many bytes. @throws DamageError when there are less */
  async take(length: number, what: string): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.upTo(length);
    if (bytes.length === length) return bytes;
    throw new DamageError(
      `it is truncated: ${bytes.length} of ${length} bytes are left for ${what}`,
    );
  }

  /** No more is wanted, whether there is more or not. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
