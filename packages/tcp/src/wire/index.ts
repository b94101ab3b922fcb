export * from "./numbers.ts";
export { clearOptions, headerBytes, newOutgoing, writeHeader } from "./emit.ts";
export { newSegmentOptions, readOptions } from "./options.ts";
export * from "./options-fit.ts";
export { newSegment, readSegment } from "./segment.ts";
