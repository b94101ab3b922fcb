import { isIpv4 } from "@seville/packet";
import type { Tunnel, TunnelEndpoint } from "@seville/tunnel-encap";
import type { Host } from "../host/host.ts";
import {
  ARPHRD_ETHER,
  ARPHRD_IP6GRE,
  ARPHRD_IPGRE,
  ARPHRD_SIT,
  ARPHRD_TUNNEL,
  ARPHRD_TUNNEL6,
  IFF_BROADCAST,
  IFF_MULTICAST,
  IFF_NOARP,
  IFF_POINTOPOINT,
} from "../interface/flags.ts";
import { routeUnderlay } from "./underlay.ts";

const ETH_DATA_LEN = 1500;
const IP_MAX_MTU = 65_535;

/** What `ip -d link` shows of a tunnel device before anybody changes it. */
export interface DeviceShape {
  readonly kind: string;
  readonly type: number;
  readonly flags: number;
  readonly hardHeaderLength: number;
  readonly mtu: number;
  readonly maxMtu: number;
}

/**
 * The device that the kernel would make for `endpoint`: its MTU is what the way to the other end leaves
 * (`ip_tunnel_bind_dev`), but that of VXLAN is 1500 unless it is tied to an interface (`vxlan_dev_configure`).
 */
export function shapeOf(host: Host, endpoint: TunnelEndpoint, oif: number): DeviceShape {
  const { tunnel, overhead } = endpoint;
  const isFrames = endpoint.isEthernet;
  const kind = kindOf(tunnel);
  return {
    kind,
    type: isFrames ? ARPHRD_ETHER : typeOf(tunnel),
    flags: isFrames ? IFF_BROADCAST | IFF_MULTICAST : IFF_POINTOPOINT | IFF_NOARP,
    hardHeaderLength: isFrames ? 14 : 0,
    mtu: defaultMtu(host, endpoint, oif),
    maxMtu: IP_MAX_MTU - overhead.mtu,
  };
}

/** The name of the kind in `ip link`: GRE over IPv6 is another device type than over IPv4. */
function kindOf({ kind, local }: Tunnel): string {
  const overIpv6 = !isIpv4(local);
  return overIpv6 && (kind === "gre" || kind === "gretap" || kind === "erspan") ? `ip6${kind}` : kind;
}

function typeOf({ kind, local }: Tunnel): number {
  if (kind === "ipip") return ARPHRD_TUNNEL;
  if (kind === "ip6tnl") return ARPHRD_TUNNEL6;
  if (kind === "sit" || kind === "6to4") return ARPHRD_SIT;
  return isIpv4(local) ? ARPHRD_IPGRE : ARPHRD_IP6GRE;
}

function defaultMtu(host: Host, { tunnel, overhead }: TunnelEndpoint, oif: number): number {
  const { kind, local, remote } = tunnel;
  if (kind === "vxlan" && oif === 0) return ETH_DATA_LEN;
  const bound = oif === 0 ? undefined : host.interfaces.get(oif);
  const route = remote === undefined ? undefined : routeUnderlay(host, { local, remote, oif, mark: 0, protocol: 0 });
  const base = bound?.mtu ?? (typeof route === "object" ? route.out.mtu : ETH_DATA_LEN);
  return base - overhead.mtu;
}
