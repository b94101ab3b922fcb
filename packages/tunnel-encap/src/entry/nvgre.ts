export * from "../header/nvgre.ts";
export { nvgreEncapsulation } from "../protocol/nvgre.ts";
