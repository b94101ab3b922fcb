import type { Nanos } from "@seville/core";
import type { IpAddress, MacAddress, Packet } from "@seville/packet";
import type { VxlanTunnel } from "../tunnel/config.ts";
import type { OuterPath } from "../tunnel/path.ts";
import type { Preset } from "../tunnel/presets.ts";

/** One end of the overlay: an address of the underlay, and what differs there from the device's own settings. */
export interface VxlanRemote {
  /** An address, or a multicast group. */
  readonly ip: IpAddress;
  readonly vni?: number | undefined;
  readonly port?: number | undefined;
}

/** A VXLAN device, as `ip link add … type vxlan` makes it. `remote` or `group` are the first of {@link VxlanDeviceConfig.remotes}. */
export interface VxlanDeviceConfig extends Omit<VxlanTunnel, "kind" | "remote"> {
  /** The device's own Ethernet address: frames that come back from the overlay with it are dropped. */
  readonly address: MacAddress;
  /**
   * Where frames go whose destination is not known, broadcast and multicast: a group (the underlay replicates), or several
   * ends (ingress replication). None: they go nowhere.
   */
  readonly remotes?: readonly VxlanRemote[] | undefined;
  /** Learn who is where from what comes in. Default `true`. */
  readonly learning?: boolean | undefined;
  /** After so long without use a learned entry goes. Default 300 s. */
  readonly ageing?: Nanos | undefined;
  /** Entries that may be there, default 0: without limit (`maxaddress`). */
  readonly maxaddr?: number | undefined;
  /** Answer ARP requests and neighbour solicitations for known neighbours; what is not known goes nowhere, as in Linux. */
  readonly proxy?: boolean | undefined;
  /** As `proxy`, but what is not known is sent on (`neigh_suppress` of a bridge port). */
  readonly neighSuppress?: boolean | undefined;
  /** Tell of frames for unknown stations, and of solicitations for unknown neighbours. */
  readonly l2miss?: boolean | undefined;
  readonly l3miss?: boolean | undefined;
  readonly preset?: Preset | undefined;
}

/** Where an input comes from. */
export interface VxlanMeta {
  /** `bridge`: a frame that the device is to send. `underlay`: a datagram, `data` at its UDP header (see `decapsulate`). */
  readonly from: "bridge" | "underlay";
}

/** What goes out. Whoever polls it owns the packet. */
export type VxlanOutput =
  | {
      readonly to: "underlay";
      readonly packet: Packet;
      readonly remote: IpAddress;
      /** What `VxlanDevice.onRoute` answered. */
      readonly path: OuterPath | undefined;
    }
  | { readonly to: "bridge"; readonly packet: Packet };

/** What one may want to know. */
export type VxlanEvent =
  | { readonly type: "learned" | "moved"; readonly mac: MacAddress; readonly remote: IpAddress }
  | { readonly type: "aged"; readonly mac: MacAddress }
  | { readonly type: "l2miss"; readonly mac: MacAddress }
  | { readonly type: "l3miss"; readonly ip: IpAddress };
