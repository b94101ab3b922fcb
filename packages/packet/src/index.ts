export * from "./address/index.ts";
export * from "./compose/index.ts";
export * from "./dissect/index.ts";
export * from "./gso.ts";
export * from "./header/index.ts";
export * from "./packet.ts";
export * from "./pool.ts";
