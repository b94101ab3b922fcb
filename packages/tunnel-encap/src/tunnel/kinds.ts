import { erspanEncapsulation } from "../protocol/erspan.ts";
import { geneveEncapsulation } from "../protocol/geneve.ts";
import { greEncapsulation } from "../protocol/gre.ts";
import { ip6tnlEncapsulation, ipipEncapsulation, sitEncapsulation } from "../protocol/ip.ts";
import { nvgreEncapsulation } from "../protocol/nvgre.ts";
import { sixToFourEncapsulation } from "../protocol/6to4.ts";
import { vxlanEncapsulation } from "../protocol/vxlan.ts";
import type { Tunnel, TunnelKind } from "./config.ts";
import type { Encapsulation } from "./encapsulation.ts";

const BY_KIND: { readonly [Kind in TunnelKind]: Encapsulation<Extract<Tunnel, { kind: Kind }>> } = {
  vxlan: vxlanEncapsulation,
  geneve: geneveEncapsulation,
  gre: greEncapsulation,
  gretap: greEncapsulation,
  nvgre: nvgreEncapsulation,
  erspan: erspanEncapsulation,
  ipip: ipipEncapsulation,
  sit: sitEncapsulation,
  "6to4": sixToFourEncapsulation,
  ip6tnl: ip6tnlEncapsulation,
};

/** What carries the tunnel's packets. */
export function encapsulationOf(tunnel: Tunnel): Encapsulation {
  // The table's type ties each kind to its functions.
  return BY_KIND[tunnel.kind];
}
