export * from "../header/geneve.ts";
export { geneveEncapsulation } from "../protocol/geneve.ts";
