export * as vxlan from "./vxlan.ts";
export * as gre from "./gre.ts";
export * as nvgre from "./nvgre.ts";
export * as erspan from "./erspan.ts";
export * as geneve from "./geneve.ts";
export * as gue from "./gue.ts";
export * as sixToFour from "./6to4.ts";
export * as encapsulationLimit from "./encapsulation-limit.ts";
