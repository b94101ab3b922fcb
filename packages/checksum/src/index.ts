export * from "./partial.ts";
export * from "./pseudo-header.ts";
export * from "./incremental.ts";
export * from "./ipv4-header.ts";
export { bindChecksum, SUM_RECORD_BYTES, type ChecksumKernels } from "./kernels.ts";
export * from "./bytes.ts";
export * from "./crc32c-stream.ts";
export * from "./crc32c-combine.ts";
export * from "./sctp.ts";
