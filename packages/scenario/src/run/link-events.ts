import type { PartRuntime } from "./world.ts";
export const linkEvents: PartRuntime = {};
