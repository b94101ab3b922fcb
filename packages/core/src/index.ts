export * from "./nanos.ts";
export * from "./errors.ts";
export * from "./drop-reason.ts";
export * from "./engine.ts";
export * from "./memory.ts";
export * from "./scheduler.ts";
