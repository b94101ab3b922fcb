export * from "./settings.ts";
export type * from "./types.ts";
