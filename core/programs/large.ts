/** The exported ABI: all that the folder lets out. */

export * from "../large/large";
