import type { PartRuntime } from "./world.ts";
export const generators: PartRuntime = {};
