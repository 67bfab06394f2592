/// <reference lib="esnext.disposable" preserve="true" />

/** Where the engine has no `Symbol.dispose`: what compilers of `using` fall back to. */
export const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");
