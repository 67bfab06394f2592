/** Noting everything that an interpreter asks for, while it runs. */
import { loadWord, recorderModule, storeWord, unsigned, wordsAt } from "../base/base.js";
import { interpose, type PyodideLike, programOf } from "../python/python.js";

/**
 * Notes as trace/wasm/recorder.ts makes them, four numbers each: the operation (0 malloc, 1 calloc, 2 realloc,
 * 3 free), the bytes that were asked for, the block that was passed, the block that was returned. They lie in
 * the interpreter's memory, and are gone after the call.
 */
export type NoteSink = (notes: Uint32Array) => void;

/** So many notes are taken away at once, at most. */
export const NOTES_AT_ONCE = 65536;

const NOTE_BYTES = 16;

/**
 * Starts noting what is asked of the mem and object domains, in order; the function that is returned
 * stops it. The sink is called in the middle of an allocation, and must not call the interpreter.
 *
 * @throws RangeError when there is no memory for the buffer; what the sink throws is thrown at the end
 */
export function startRecording(pyodide: PyodideLike, sink: NoteSink): () => void {
  const program = programOf(pyodide, "startRecording");
  const { memory, malloc } = program;
  const buffer = unsigned(malloc.malloc(NOTE_BYTES * (NOTES_AT_ONCE + 1)));
  if (buffer === 0) throw new RangeError("startRecording: out of memory");
  const first = buffer + NOTE_BYTES;
  const bufferEnd = first + NOTE_BYTES * NOTES_AT_ONCE;
  storeWord(memory, buffer, first);

  let failure: { readonly error: unknown } | undefined;
  function flush(): void {
    const notes = wordsAt(memory, first, (loadWord(memory, buffer) - first) / 4);
    try {
      if (failure === undefined) sink(notes);
    } catch (error) {
      // Thrown here it would cut through CPython in the middle of an allocation.
      failure = { error };
    }
    storeWord(memory, buffer, first);
  }

  const { remove } = interpose(program, recorderModule, { buffer, bufferEnd, flush });
  return () => {
    remove();
    flush();
    malloc.free(buffer);
    if (failure !== undefined) throw failure.error;
  };
}
