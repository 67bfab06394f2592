/** What the objects ask of their host: the only imports there are. */

/** The address of OBJECTS_ROOT_SIZE bytes, 4-aligned and zeros at first; all state is there. */
export declare const root: usize;

/** The object domain's functions (CPython: PyObject_Malloc, PyObject_Free), hooks included. */
export declare function malloc(bytes: usize): usize;
export declare function free(p: usize): void;

/** Runs the dealloc with this number on a dead object; 0 when it failed, which `raise` will be asked to tell. */
export declare function dealloc(tp_dealloc: u32, p: usize): i32;

/**
 * Throws what the root says was refused, before anything is changed; else what the first failed dealloc failed with, when
 * all that had to die is dead.
 */
export declare function raise(): void;
