export * from "./link-end.ts";
export * from "./simulator.ts";
