export * from "./address/index.ts";
export * from "./packet.ts";
export * from "./pool.ts";
