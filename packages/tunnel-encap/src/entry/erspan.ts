export * from "../header/erspan.ts";
export { erspanEncapsulation } from "../protocol/erspan.ts";
