import type { Nanos } from "@seville/core";
import type { IpAddress, Packet } from "@seville/packet";
import type { NetInterface } from "../interface/net-interface.ts";
import type { NeighbourOutput } from "../interface/neighbour-output.ts";
import type { NeighbourDevice } from "./device.ts";
import type { NeighbourTable } from "./table.ts";

/** The neighbours of one interface in one family, as the output path sees them. */
export class InterfaceNeighbours<Key extends IpAddress> implements NeighbourOutput {
  readonly table: NeighbourTable<Key>;
  readonly device: NeighbourDevice<Key>;
  readonly #iface: NetInterface;
  readonly #family: "number" | "object";

  constructor(table: NeighbourTable<Key>, device: NeighbourDevice<Key>, iface: NetInterface, family: 4 | 6) {
    this.table = table;
    this.device = device;
    this.#iface = iface;
    this.#family = family === 4 ? "number" : "object";
  }

  resolveAndSend(nextHop: IpAddress, packet: Packet, now: Nanos): void {
    // An IPv4 route may have an IPv6 gateway (RFC 5549), whose neighbours are the other family's.
    if (typeof nextHop !== this.#family) {
      const other = this.#other();
      if (other === undefined) this.#iface.host.drop(packet, "NEIGH_CREATEFAIL", this.#iface);
      else other.resolveAndSend(nextHop, packet, now);
      return;
    }
    this.table.send(this.device, nextHop as Key, packet);
  }

  confirm(nextHop: IpAddress, now: Nanos): void {
    if (typeof nextHop !== this.#family) this.#other()?.confirm(nextHop, now);
    else this.table.confirm(this.device, nextHop as Key);
  }

  flush(): void {
    this.table.flush(this.device);
  }

  #other(): NeighbourOutput | undefined {
    return this.#family === "number" ? this.#iface.v6.neighbours : this.#iface.v4.neighbours;
  }
}
