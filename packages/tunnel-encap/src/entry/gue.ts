export * from "../header/gue.ts";
export { pullGue, pushSecondary, secondaryLength } from "../tunnel/secondary.ts";
