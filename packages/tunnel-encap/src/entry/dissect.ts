export * from "../dissect/index.ts";
