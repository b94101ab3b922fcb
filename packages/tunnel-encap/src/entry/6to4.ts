export * from "../header/6to4.ts";
export { sixToFourEncapsulation, sixToFourRemote } from "../protocol/6to4.ts";
