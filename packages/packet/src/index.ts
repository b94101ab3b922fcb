export * from "./packet.ts";
export * from "./pool.ts";
