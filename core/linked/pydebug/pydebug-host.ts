/** What a linked core with the debug heap asks of its CPython besides: see core/linked/linked-host.ts. */

/**
 * CPython's debug hooks keep a letter and the record of what they stand on for each domain (debug_alloc_api_t in _PyRuntime), in the
 * order of the domains; that is the context which they are called with.
 */
export declare const rawHooks: usize;

/** The address of the debug heap's ledger, and how many bytes its quarantine holds. */
export declare const ledgerRoot: usize;
export declare const quarantineBytes: usize;

/** Does the caller hold CPython's lock? */
export declare function PyGILState_Check(): u32;

/** CPython's fatal error: it tells what Python was running, and ends the program. */
export declare function _Py_FatalErrorFunc(name: usize, message: usize): void;
