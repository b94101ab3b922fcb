export { dissectGeneve } from "./geneve.ts";
export { dissectGre } from "./gre.ts";
export { dissectGue } from "./gue.ts";
export { fouDissector, TUNNEL_DISSECTORS } from "./tables.ts";
export { dissectVxlan, dissectVxlanGpe } from "./vxlan.ts";
