/**
 * What a report asks of the program that the debug heap is linked into. The texts are those of src/debug/report-texts.ts, by these
 * names: the address of each, with a 0 behind it. A list has several, one after the other.
 */

/** Where REPORT_BYTES are for the text. Whoever reads it there afterwards finds a 0 behind it; before a fault there is one at its start. */
export declare const reportBuffer: usize;

/** Where the pool begins that an address lies in; 0 for none. Any address may be asked about. */
export declare function poolOf(p: usize): usize;

/** Shows the text of a report; a 0 is behind it. It calls nothing of the heap. */
export declare function writeReport(text: usize, bytes: usize): void;

/** Ends the program, if it is to be ended: when it returns, the call that found the fault does nothing. */
export declare function endProgram(): void;

/** In front of everything: the name of the error. Then its kind and its sentence, lists by the code of the fault. */
export declare const errorName: usize;
export declare const errorKinds: usize;
export declare const errorSentences: usize;
/** Lists: of the invariants from LEDGER_HOLDS on, of what may be going on, and of the families. */
export declare const invariantTexts: usize;
export declare const callNames: usize;
export declare const familyNames: usize;
export declare const familyPrefixes: usize;

export declare const fillingClean: usize;
export declare const fillingDead: usize;
export declare const fillingForbidden: usize;

export declare const phraseKind: usize;
export declare const phraseBlock: usize;
export declare const phraseByte: usize;
export declare const phraseBytes: usize;
export declare const phraseCall: usize;
export declare const phraseAbout: usize;
export declare const phrasePattern: usize;
export declare const phraseInFront: usize;
export declare const phraseInside: usize;
export declare const phraseBehind: usize;
export declare const phraseFreed: usize;
export declare const phraseOutside: usize;
export declare const phraseNowhere: usize;
export declare const phrasePoolHeader: usize;
export declare const phrasePool: usize;

export declare const dumpNothing: usize;
export declare const dumpHead: usize;
export declare const dumpGone: usize;
export declare const dumpLetter: usize;
export declare const dumpSize: usize;
export declare const dumpFront: usize;
export declare const dumpRear: usize;
export declare const dumpIntact: usize;
export declare const dumpDamaged: usize;
export declare const dumpFrontByte: usize;
export declare const dumpRearByte: usize;
export declare const dumpRight: usize;
export declare const dumpOuch: usize;
export declare const dumpBogus: usize;
export declare const dumpCall: usize;
export declare const dumpSerial: usize;
export declare const dumpData: usize;
export declare const dumpDataByte: usize;
export declare const dumpDataGap: usize;
