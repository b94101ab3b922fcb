export * from "./link-end.ts";
