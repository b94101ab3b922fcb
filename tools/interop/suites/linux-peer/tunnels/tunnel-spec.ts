import type { Tunnel } from "../../../../../packages/tunnel-encap/src/index.ts";
import type { IpAddress } from "../../../../../packages/packet/src/index.ts";
import type { Engine } from "../../../../linux-peer/settings.ts";
import type { Mutation } from "./mutation.ts";

/** The ends of a tunnel as one of them sees it, and the number that tells it from others of its kind. */
export interface Ends {
  readonly local: IpAddress;
  readonly remote: IpAddress;
  readonly id: number;
}

/** One configuration, as `ip link` says it and as we say it. */
export interface TunnelSpec {
  readonly name: string;
  readonly engine: Engine;
  readonly underlay: 4 | 6;
  /** `type …` of `ip link add`: L, R and ID stand for local and remote address and for the number. */
  readonly link: string;
  /** `ip fou add …`. */
  readonly fou?: string;
  readonly make: (ends: Ends) => Tunnel;
  /** IP versions that it carries. */
  readonly inner: readonly (4 | 6)[];
  /** The kernel has it only with metadata (`external`): routes say the other end. */
  readonly lightweight?: true;
  /** Both ends have sequence numbers. */
  readonly sequence?: true;
  /** The kernel drops what is too long for the path and tells nobody (`ip6erspan_tunnel_xmit`, whose packet has lost its route); ours tells. */
  readonly kernelIsSilent?: true;
  /** Packets that must be dropped, or taken, by both. */
  readonly mutations: readonly Mutation[];
}

/** The tunnel's header is in UDP. */
export function isUdp({ link, fou }: TunnelSpec): boolean {
  return fou !== undefined || link.startsWith("type vxlan") || link.startsWith("type geneve");
}

export function is6to4({ make }: TunnelSpec): boolean {
  return make({ local: 1, remote: 2, id: 1 }).kind === "6to4";
}

/** Numbers of the two tunnels of one configuration: one VXLAN port cannot tell two of the same VNI apart. */
export const IDS = { near: 66, far: 67 };

/** UDP ports of FOU, one for each protocol that they stand for: so that tshark can be told. */
export const FOU_PORTS = { ipip: 5504, sit: 5541, gre: 5547 };
export const GUE_PORT = 5556;
