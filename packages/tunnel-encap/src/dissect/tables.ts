import { IPPROTO_GRE, type DissectorTables } from "@seville/packet";
import { PORT as GENEVE_PORT } from "../header/geneve.ts";
import { PORT as GUE_PORT } from "../header/gue.ts";
import { GPE_PORT, LINUX_PORT, PORT as VXLAN_PORT } from "../header/vxlan.ts";
import { dissectGeneve } from "./geneve.ts";
import { dissectGre } from "./gre.ts";
import { dissectGue } from "./gue.ts";
import { dissectVxlan, dissectVxlanGpe } from "./vxlan.ts";

/** Dissectors of tunnels, by their assigned numbers: pass them to `dissect` of `@seville/packet`. */
export const TUNNEL_DISSECTORS: DissectorTables = {
  ipProtocol: { [IPPROTO_GRE]: dissectGre },
  udpPort: {
    [VXLAN_PORT]: dissectVxlan,
    [LINUX_PORT]: dissectVxlan,
    [GPE_PORT]: dissectVxlanGpe,
    [GENEVE_PORT]: dissectGeneve,
    [GUE_PORT]: dissectGue,
  },
};

/** FOU has no header: the port stands for an IP protocol, and is agreed on. */
export function fouDissector(port: number, ipProtocol: number): DissectorTables {
  return { udpPort: { [port]: (d, at, end) => d.dispatch("ipProtocol", ipProtocol, at, end) } };
}
