export * from "../header/gre.ts";
export { greEncapsulation } from "../protocol/gre.ts";
