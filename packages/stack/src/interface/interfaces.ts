import { invalidArgument, SevilleError } from "@seville/core";
import { isStationMac, type MacAddress } from "@seville/packet";
import { defineInterfaceSysctls, undefineInterfaceSysctls } from "../host/host-sysctls.ts";
import type { Host } from "../host/host.ts";
import { IFF_UP } from "./flags.ts";
import type { NetDevice } from "./net-device.ts";
import { NetInterface } from "./net-interface.ts";

/** What a new interface is to be; what is absent is chosen as the kernel does. */
export interface InterfaceOptions {
  readonly name: string;
  readonly mac?: MacAddress;
  readonly mtu?: number;
  /** Switch it on at once. */
  readonly up?: boolean;
}

/** The interfaces of a host, and all that `ip link` does to them. */
export class Interfaces {
  readonly #host: Host;
  readonly #byIndex = new Map<number, NetInterface>();
  readonly #byName = new Map<string, NetInterface>();
  #nextIndex = 1;

  constructor(host: Host) {
    this.#host = host;
  }

  /** In the order of their indices. */
  [Symbol.iterator](): IterableIterator<NetInterface> {
    return this.#byIndex.values();
  }

  get(ifindex: number): NetInterface | undefined {
    return this.#byIndex.get(ifindex);
  }

  byName(name: string): NetInterface | undefined {
    return this.#byName.get(name);
  }

  /** @throws SevilleError `ENODEV` */
  named(name: string): NetInterface {
    const iface = this.#byName.get(name);
    if (iface === undefined) throw new SevilleError("ENODEV", `${this.#host.name} has no interface ${name}`, "name");
    return iface;
  }

  /** @throws SevilleError `EEXIST`, `ERR_INVALID_ARGUMENT` */
  add(device: NetDevice, options: InterfaceOptions): NetInterface {
    const { name } = options;
    checkName(name);
    if (this.#byName.has(name)) throw new SevilleError("EEXIST", `${name} exists already`, "name");
    const mac = options.mac ?? this.#drawMac(device, name);
    const iface = new NetInterface(this.#host, this.#nextIndex++, name, mac, device);
    this.#byIndex.set(iface.ifindex, iface);
    this.#byName.set(name, iface);
    defineInterfaceSysctls(this.#host, iface);
    device.attach(iface);
    this.#notify("interface-added", iface);
    if (options.mtu !== undefined) this.setMtu(iface, options.mtu);
    if (options.up === true) this.setUp(iface);
    return iface;
  }

  /** `ip link delete`. Everything of it goes: addresses, routes, neighbours, ports. */
  remove(iface: NetInterface): void {
    this.setDown(iface);
    for (const other of this) if (other.master === iface) this.setMaster(other, undefined);
    this.setMaster(iface, undefined);
    this.#notify("interface-removed", iface);
    undefineInterfaceSysctls(this.#host, iface.name);
    this.#byIndex.delete(iface.ifindex);
    this.#byName.delete(iface.name);
  }

  /**
   * `ip link set up`.
   * @throws SevilleError what the device fails with: `EADDRINUSE` of a tunnel whose UDP port is taken
   */
  setUp(iface: NetInterface): void {
    if (iface.isUp) return;
    iface.adminFlags |= IFF_UP;
    try {
      iface.device.open?.(this.#host.now);
    } catch (error) {
      iface.adminFlags &= ~IFF_UP;
      throw error;
    }
    iface.carrier = iface.device.carrier;
    this.#notify("interface-up", iface);
  }

  /** `ip link set down`. */
  setDown(iface: NetInterface): void {
    if (!iface.isUp) return;
    this.#notify("interface-going-down", iface);
    iface.adminFlags &= ~IFF_UP;
    iface.device.stop?.(this.#host.now);
    this.#notify("interface-down", iface);
  }

  /** Called by devices: the wire came or went. */
  setCarrier(iface: NetInterface, carrier: boolean): void {
    if (iface.carrier === carrier) return;
    iface.carrier = carrier;
    this.#notify("carrier", iface);
  }

  /** @throws SevilleError `EINVAL` outside the device's limits */
  setMtu(iface: NetInterface, mtu: number): void {
    const { minMtu, maxMtu } = iface.device;
    if (!Number.isInteger(mtu) || mtu < minMtu || mtu > maxMtu) {
      throw new SevilleError(
        "EINVAL",
        `the MTU of ${iface.name} must be from ${minMtu} to ${maxMtu}; received ${mtu}`,
        "mtu",
      );
    }
    if (iface.mtu === mtu) return;
    iface.mtu = mtu;
    this.#notify("mtu", iface);
  }

  /** @throws SevilleError `EADDRNOTAVAIL` for an address that no station can have */
  setMac(iface: NetInterface, mac: MacAddress): void {
    if (!isStationMac(mac))
      throw new SevilleError("EADDRNOTAVAIL", "a station's address is neither zero nor a group", "mac");
    if (iface.mac === mac) return;
    iface.mac = mac;
    this.#notify("mac", iface);
  }

  rename(iface: NetInterface, name: string): void {
    checkName(name);
    if (iface.name === name) return;
    if (this.#byName.has(name)) throw new SevilleError("EEXIST", `${name} exists already`, "name");
    undefineInterfaceSysctls(this.#host, iface.name);
    this.#byName.delete(iface.name);
    iface.name = name;
    this.#byName.set(name, iface);
    defineInterfaceSysctls(this.#host, iface);
    this.#notify("renamed", iface);
  }

  /** `ip link set master` and `nomaster`. */
  setMaster(iface: NetInterface, master: NetInterface | undefined): void {
    if (iface.master === master) return;
    iface.master = master;
    this.#notify("master", iface);
  }

  #notify(
    type:
      | "interface-added"
      | "interface-removed"
      | "interface-up"
      | "interface-going-down"
      | "interface-down"
      | "carrier"
      | "mtu"
      | "mac"
      | "renamed"
      | "master",
    iface: NetInterface,
  ): void {
    this.#host.notifier.notify({ type, iface }, this.#host.now);
  }

  /** Locally administered and unicast (`eth_hw_addr_random`), the same for the same host, name and seed. */
  #drawMac(device: NetDevice, name: string): MacAddress {
    if (device.hardHeaderLength === 0 || device.kind === "loopback") return 0;
    const random = this.#host.random.fork(`mac/${name}`);
    return (
      ((random.uint32() & 0xfc) | 0x02) * 0x100_0000_0000 + (random.uint32() & 0xff) * 0x1_0000_0000 + random.uint32()
    );
  }
}

/** `dev_valid_name`. */
function checkName(name: string): void {
  if (name.length > 0 && name.length < 16 && name !== "." && name !== ".." && !/[\s/:]/.test(name)) return;
  throw invalidArgument("name", "1 to 15 characters without space, / and :", name);
}
