import { isLimitedBroadcast, type Packet } from "@seville/packet";
import { Delivery } from "../device/delivery.ts";
import { trustChecksum } from "../device/loopback.ts";
import type { Host } from "../host/host.ts";
import type { IcmpError, TransportProtocol } from "../host/protocols.ts";
import {
  ipv4Conf,
  ipv4RouteSysctls,
  ipv4Sysctls,
  neighConf,
  type Ipv4Conf,
  type Ipv4RouteSysctls,
  type Ipv4Sysctls,
  type NeighConf,
} from "../host/sysctl-ipv4.ts";
import { GlobalLimit, PeerLimit } from "../icmp/rate-limit.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { CB_LOOPED } from "../packet-cb.ts";
import { RouteExceptions } from "../route/exceptions.ts";
import { TableFib } from "../route/fib.ts";
import { createFlow4 } from "../route/flow.ts";
import { RT_TABLE_LOCAL, type RouteHop } from "../route/route.ts";
import type { Fib } from "../route/route-lookup.ts";
import { deliver4 } from "./deliver.ts";
import { Identifications } from "./identification.ts";
import { Reassembly4 } from "./reassembly.ts";
import type { RedirectState } from "./redirect-send.ts";

const flow = createFlow4();

/** All that a host's IPv4 keeps: `struct netns_ipv4`. */
export class Ipv4Layer {
  readonly sysctl: Ipv4Sysctls = ipv4Sysctls();
  readonly route: Ipv4RouteSysctls = ipv4RouteSysctls();
  readonly confAll: Ipv4Conf = ipv4Conf();
  readonly confDefault: Ipv4Conf = ipv4Conf();
  readonly neighDefault: NeighConf = neighConf(4);
  readonly fib: Fib<number>;
  /** Addresses of the host, and on how many interfaces each is. */
  readonly localAddresses: Map<number, number> = new Map<number, number>();
  /** By protocol number. */
  readonly protocols: Map<number, TransportProtocol> = new Map<number, TransportProtocol>();
  readonly exceptions: RouteExceptions<number> = new RouteExceptions<number>();
  readonly linkHops: Map<string, RouteHop> = new Map<string, RouteHop>();
  readonly identifications: Identifications;
  readonly reassembly: Reassembly4;
  readonly globalLimit: GlobalLimit;
  readonly peerLimit: PeerLimit<number> = new PeerLimit<number>();
  readonly redirectPeers: Map<number, RedirectState> = new Map<number, RedirectState>();
  /** Raw sockets see every datagram for this host first, `data` at its IP header. They only borrow it. */
  rawDeliver: ((packet: Packet, protocol: number, dev: NetInterface) => boolean) | undefined = undefined;
  rawError: ((error: IcmpError) => void) | undefined = undefined;
  /** Ping sockets take echo replies: `true`, and the packet is theirs. */
  pingReceive: ((packet: Packet, dev: NetInterface) => boolean) | undefined = undefined;
  pingError: ((error: IcmpError) => void) | undefined = undefined;
  readonly #looped: Delivery;
  #broadcasts: ReadonlySet<number> | undefined = undefined;
  #broadcastGeneration = -1;

  constructor(host: Host) {
    this.fib = new TableFib<number>(host, 4);
    this.identifications = new Identifications(host.secretRandom, host.random.fork("ipv4/identification"));
    this.reassembly = new Reassembly4(host);
    this.globalLimit = new GlobalLimit(host.random.fork("ipv4/icmp"));
    this.#looped = new Delivery(host.scheduler, (packet, now) => {
      const dev = host.interfaces.get(packet.ifindex);
      if (dev === undefined) host.drop(packet, "DEV_READY");
      else deliver4(host, packet, dev, now);
    });
  }

  /** Gives the host itself a copy of a group datagram that leaves by `out` (`ip_dev_loopback_xmit`). */
  loopBack(packet: Packet, out: NetInterface): void {
    const copy = packet.copy();
    if (copy === undefined) return;
    copy.ifindex = out.ifindex;
    copy.cb = CB_LOOPED;
    trustChecksum(copy);
    this.#looped.push(copy);
  }

  /** Whether `address` is the limited broadcast address or that of a subnet here (`inet_addr_type`). */
  isBroadcast(address: number): boolean {
    if (isLimitedBroadcast(address)) return true;
    if (this.#broadcastGeneration !== this.fib.generation) this.#gatherBroadcasts();
    // Nearly every packet's source ends here.
    if (this.#broadcasts?.has(address) === false) return false;
    flow.destination = address;
    return this.fib.table(RT_TABLE_LOCAL).lookup(flow)?.type === "broadcast";
  }

  /** The addresses of broadcast routes; `undefined` if there is one of a whole prefix. */
  #gatherBroadcasts(): void {
    const routes = [...this.fib.table(RT_TABLE_LOCAL).routes()].filter(({ type }) => type === "broadcast");
    const areAddresses = routes.every(({ prefixLength }) => prefixLength === 32);
    this.#broadcasts = areAddresses ? new Set(routes.map(({ destination }) => destination as number)) : undefined;
    this.#broadcastGeneration = this.fib.generation;
  }
}
