/** The exported ABI: all that the folder lets out. */

export * from "../guest/guest";
