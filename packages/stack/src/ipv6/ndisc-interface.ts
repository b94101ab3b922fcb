import type { Nanos } from "@seville/core";
import {
  IPV6_ALL_NODES,
  IPV6_ALL_ROUTERS,
  IPV6_ANY,
  isLinkLocal,
  nd,
  solicitedNode,
  type Ipv6Address,
} from "@seville/packet";
import type { Host } from "../host/host.ts";
import { IFF_NOARP } from "../interface/flags.ts";
import {
  IFA_F_DADFAILED,
  IFA_F_OPTIMISTIC,
  IFA_F_TENTATIVE,
  type InterfaceAddress,
} from "../interface/interface-address.ts";
import { removeAddress6 } from "../interface/addresses6.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import type { InterfaceNeighbours } from "../neighbour/interface-neighbours.ts";
import { NUD_FAILED, NUD_INCOMPLETE } from "../neighbour/nud-state.ts";
import type { ProxyNeighbours } from "../neighbour/proxy.ts";
import { RT_TABLE_MAIN, type NewRoute } from "../route/route.ts";
import { disablesInterface, DuplicateAddressDetection } from "./dad.ts";
import { DefaultRouterList, type ToldRoute } from "./default-router.ts";
import { sendNd } from "./ndisc-output.ts";
import { PrefixList } from "./prefix-list.ts";
import type { RouterAdvertiser } from "./router-advertisement.ts";
import { RouterSolicitor } from "./router-solicitation.ts";
import { AddressAutoconfiguration } from "./slaac-interface.ts";
import { AddressLifetimes } from "./slaac-lifetimes.ts";
import { addToldRoute } from "./told-route.ts";

type Address = InterfaceAddress<Ipv6Address>;

/** What one interface does of neighbour discovery: `struct inet6_dev` as addrconf.c and ndisc.c use it. */
export class NdInterface {
  readonly host: Host;
  readonly iface: NetInterface;
  readonly neighbours: InterfaceNeighbours<Ipv6Address>;
  readonly proxies: ProxyNeighbours<Ipv6Address>;
  readonly dad: DuplicateAddressDetection;
  readonly solicitor: RouterSolicitor;
  readonly routers: DefaultRouterList;
  readonly prefixes: PrefixList;
  readonly lifetimes: AddressLifetimes;
  readonly autoconf: AddressAutoconfiguration;
  /** Set while this interface advertises itself as a router. */
  advertiser: RouterAdvertiser | undefined = undefined;
  /** M and O of the last advertisement: DHCPv6 should be asked (IF_RA_MANAGED, IF_RA_OTHERCONF). */
  managed = false;
  otherConfig = false;
  #configured = false;

  constructor(
    iface: NetInterface,
    neighbours: InterfaceNeighbours<Ipv6Address>,
    proxies: ProxyNeighbours<Ipv6Address>,
  ) {
    const { host } = iface;
    this.host = host;
    this.iface = iface;
    this.neighbours = neighbours;
    this.proxies = proxies;
    const random = host.random.fork(`nd/${iface.name}`);
    this.solicitor = new RouterSolicitor(host.scheduler, random.fork("rs"), iface.v6.conf, () => {
      this.#solicitRouters();
    });
    this.routers = new DefaultRouterList(host.scheduler, {
      append: (route) => addToldRoute(host.ipv6.fib, this.#routeOf(route)),
      remove: (route) => {
        this.#removeRoute(this.#routeOf(route));
      },
      reachable: (router) => {
        const state = neighbours.device.entries.get(router)?.nudState;
        return state === undefined || (state & (NUD_INCOMPLETE | NUD_FAILED)) === 0;
      },
    });
    this.prefixes = new PrefixList(host.scheduler, (prefix, there) => {
      const route = onLinkRoute(iface, prefix.prefix, prefix.prefixLength, prefix.expires);
      this.#removeRoute(route);
      if (there) addToldRoute(host.ipv6.fib, route);
    });
    this.lifetimes = new AddressLifetimes(
      host.scheduler,
      (address) => {
        this.#changed(address);
      },
      (address) => {
        removeAddress6(iface, address.address);
      },
    );
    this.dad = new DuplicateAddressDetection(host.scheduler, random.fork("dad"), {
      conf: iface.v6.conf,
      confAll: host.ipv6.confAll,
      get retransTimeMs() {
        return iface.v6.neigh.retrans_time_ms;
      },
      get skips() {
        return iface.isLoopback || (iface.flags & IFF_NOARP) !== 0 || !iface.canMulticast;
      },
      get ready() {
        return iface.isRunning;
      },
      probe: (address, nonce) => {
        this.#probe(address.address, nonce);
      },
      unique: (address, tested) => {
        this.#unique(address, tested);
      },
      duplicate: (address) => {
        this.#duplicate(address);
      },
    });
    this.autoconf = new AddressAutoconfiguration(iface, random.fork("slaac"));
  }

  /** Our own address `target`, whatever its state. */
  own(target: Ipv6Address): Address | undefined {
    return this.iface.v6.addresses.find(({ address }) => address === target);
  }

  /** A link-local address that can be used as source; `tentative` ones too if asked (`ipv6_get_lladdr`). */
  linkLocal(tentative = false): Ipv6Address | undefined {
    const banned = IFA_F_DADFAILED | (tentative ? 0 : IFA_F_TENTATIVE);
    const usable = this.iface.v6.addresses.find(
      ({ address, flags }) => isLinkLocal(address) && ((flags & banned) === 0 || (flags & IFA_F_OPTIMISTIC) !== 0),
    );
    return usable?.address;
  }

  /** Whether advertisements of routers count here (`ipv6_accept_ra`): a router believes them with `accept_ra` 2 only. */
  get acceptsRouters(): boolean {
    const { accept_ra: policy, forwarding } = this.iface.v6.conf;
    return forwarding === 0 ? policy !== 0 : policy === 2;
  }

  /** The interface is up, or its carrier has come: addresses are made and tested once both are there. */
  ready(): void {
    const { iface } = this;
    if (!iface.isRunning || this.#configured || iface.v6.conf.disable_ipv6 !== 0) return;
    this.#configured = true;
    for (const address of [...iface.v6.addresses]) {
      this.dad.begin(address);
      this.#changed(address);
    }
    this.autoconf.makeLinkLocal();
  }

  /** Before the interface goes down: a router says goodbye while it still can. */
  goingDown(): void {
    this.advertiser?.stop();
  }

  down(): void {
    this.#configured = false;
    this.solicitor.stop();
    this.dad.cancelAll();
    this.routers.clear();
    this.prefixes.clear();
    this.autoconf.reset();
    this.proxies.interfaceDown(this.iface.ifindex);
    this.neighbours.table.flush(this.neighbours.device);
  }

  addressAdded(address: Address): void {
    this.lifetimes.watch(address);
    if (this.iface.isUp) this.dad.begin(address);
  }

  addressRemoved(address: Address): void {
    this.dad.cancel(address);
    this.lifetimes.forget(address);
    this.autoconf.addressRemoved(address);
  }

  /** Tells the link of an address that it did not ask for (RFC 4861 §7.2.6, `ndisc_notify`). */
  announce(address: Ipv6Address): void {
    const flags = (this.iface.v6.conf.forwarding === 0 ? 0 : nd.NEIGHBOR_ROUTER) | nd.NEIGHBOR_OVERRIDE;
    const options = [{ kind: "target-link-layer", mac: this.iface.mac }] as const;
    sendNd(this.iface, { type: "neighbor-advertisement", target: address, flags, options }, address, IPV6_ALL_NODES);
  }

  #solicitRouters(): void {
    const source = this.linkLocal(true) ?? IPV6_ANY;
    const options = source === IPV6_ANY ? [] : [{ kind: "source-link-layer", mac: this.iface.mac } as const];
    sendNd(this.iface, { type: "router-solicitation", options }, source, IPV6_ALL_ROUTERS);
  }

  #probe(target: Ipv6Address, nonce: number): void {
    const options = nonce === 0 ? [] : [{ kind: "nonce", nonce: bytesOf(nonce) } as const];
    sendNd(this.iface, { type: "neighbor-solicitation", target, options }, IPV6_ANY, solicitedNode(target));
  }

  #unique(address: Address, tested: boolean): void {
    this.#changed(address);
    const { conf } = this.iface.v6;
    if (tested && (conf.ndisc_notify | this.host.ipv6.confAll.ndisc_notify) !== 0) this.announce(address.address);
    this.autoconf.addressUsable(address);
    if (!isLinkLocal(address.address) || this.iface.isLoopback || !this.#isOnlyLinkLocal(address)) return;
    if (this.acceptsRouters && !this.solicitor.running) this.solicitor.start();
    this.advertiser?.start();
  }

  #isOnlyLinkLocal(address: Address): boolean {
    const banned = IFA_F_TENTATIVE | IFA_F_DADFAILED;
    return !this.iface.v6.addresses.some(
      (other) => other !== address && isLinkLocal(other.address) && (other.flags & banned) === 0,
    );
  }

  #duplicate(address: Address): void {
    this.#changed(address);
    if (disablesInterface(this.iface.v6.conf, this.host.ipv6.confAll, address)) {
      this.host.sysctls.setText(`net.ipv6.conf.${this.iface.name}.disable_ipv6`, "1");
      return;
    }
    this.autoconf.duplicate(address);
  }

  #changed(address: Address): void {
    address.updated = this.host.now;
    this.host.notifier.notify({ type: "address-changed", iface: this.iface, address }, this.host.now);
  }

  #routeOf(route: ToldRoute): NewRoute & { readonly destination: Ipv6Address } {
    return {
      destination: route.prefix,
      prefixLength: route.prefixLength,
      table: tableOf(this.iface),
      gateway: route.router,
      dev: this.iface,
      protocol: "ra",
      priority: route.metric,
      preference: route.preference,
      expires: route.expires,
    };
  }

  #removeRoute(route: NewRoute): void {
    const { destination, prefixLength, table = RT_TABLE_MAIN, gateway, protocol, dev, priority } = route;
    const { fib } = this.host.ipv6;
    const selector = {
      destination,
      prefixLength,
      table,
      ...(gateway === undefined ? {} : { gateway }),
      ...(protocol === undefined ? {} : { protocol }),
      ...(dev === undefined ? {} : { dev }),
      ...(priority === undefined ? {} : { priority }),
    };
    // It may be gone already, with its interface or by hand.
    for (const there of fib.table(table).routes()) {
      if (there.destination !== destination || there.prefixLength !== prefixLength || there.protocol !== protocol)
        continue;
      if (!there.hops.some((hop) => hop.dev === dev && hop.gateway === gateway)) continue;
      fib.remove(selector);
      return;
    }
  }
}

function onLinkRoute(iface: NetInterface, prefix: Ipv6Address, prefixLength: number, expires: Nanos): NewRoute {
  return {
    destination: prefix,
    prefixLength,
    table: tableOf(iface),
    dev: iface,
    protocol: "ra",
    priority: 256,
    expires,
  };
}

function tableOf(iface: NetInterface): number {
  return (iface.device.l3mdev ?? iface.master?.device.l3mdev)?.tableId ?? RT_TABLE_MAIN;
}

/** The six bytes of a nonce. */
function bytesOf(nonce: number): Uint8Array {
  const bytes = new Uint8Array(6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(nonce / 0x1_0000_0000));
  view.setUint32(2, nonce % 0x1_0000_0000);
  return bytes;
}
