import { ipv4, ipv6, type IpAddress, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { IcmpError } from "../host/protocols.ts";
import { pullHeaders } from "../interface/checksum.ts";
import { isTooBig, meaningOf } from "../socket/errors.ts";
import { learnPathMtu } from "../socket/learn-mtu.ts";
import { presentAddress } from "../socket/socket-address.ts";
import { RawSocket, type RawSocketOptions } from "./raw-socket.ts";

/** The raw sockets of a host. */
export class RawTable {
  readonly #host: Host;
  readonly #sockets: RawSocket[] = [];

  constructor(host: Host) {
    this.#host = host;
  }

  open(options: RawSocketOptions): RawSocket {
    const socket = new RawSocket(this.#host, options, (gone) => {
      this.#sockets.splice(this.#sockets.indexOf(gone), 1);
    });
    this.#sockets.push(socket);
    return socket;
  }

  [Symbol.iterator](): IterableIterator<RawSocket> {
    return this.#sockets.values();
  }

  /** Gives each socket that wants `packet` a clone of its own (`raw_local_deliver`). */
  deliver(packet: Packet, family: 4 | 6, protocol: number): boolean {
    if (this.#sockets.length === 0 || !packet.linearize()) return false;
    const { view } = this.#host.memory;
    const ip = packet.networkHeader;
    const source: IpAddress = family === 4 ? ipv4.source(view, ip) : ipv6.source(view, ip);
    const destination: IpAddress = family === 4 ? ipv4.destination(view, ip) : ipv6.destination(view, ip);
    let seen = false;
    for (const socket of this.#sockets) {
      if (socket.family !== family || socket.protocol !== protocol) continue;
      if (!socket.wants(packet, source, destination)) continue;
      const clone = packet.clone();
      if (family === 6) pullHeaders(clone, clone.transportHeader - clone.data);
      socket.deliver(clone);
      seen = true;
    }
    return seen;
  }

  /** An ICMP error about a packet with the protocol of a socket (`raw_err`). */
  report(error: IcmpError): void {
    const meaning = meaningOf(error);
    if (meaning === undefined) return;
    for (const socket of this.#sockets) {
      if (socket.family !== error.family || socket.protocol !== error.protocol) continue;
      if (isTooBig(error)) learnPathMtu(this.#host, error, socket.boundDevice);
      const wanted = (error.family === 4 ? socket.options.IP_RECVERR : socket.options.IPV6_RECVERR) !== 0;
      if (!wanted && (!meaning.fatal || socket.peer?.address !== error.destination)) continue;
      socket.fail(meaning.code, {
        code: meaning.code,
        origin: error.family === 4 ? "icmp" : "icmp6",
        type: error.type,
        errorCode: error.code,
        info: error.info,
        offender: presentAddress(this.#host, socket.family, error.offender, error.dev.ifindex),
        destination: presentAddress(this.#host, socket.family, error.destination, error.dev.ifindex),
        port: 0,
        data: this.#host.memory.u8.slice(error.transportAt, error.packet.tail),
      });
    }
  }
}

/** Lets raw sockets of `host` see what comes in. */
export function installRaw(host: Host): void {
  const table = new RawTable(host);
  host.raw = table;
  host.ipv4.rawDeliver = (packet, protocol) => table.deliver(packet, 4, protocol);
  host.ipv6.rawDeliver = (packet, protocol) => table.deliver(packet, 6, protocol);
  host.ipv4.rawError = (error) => table.report(error);
  host.ipv6.rawError = (error) => table.report(error);
}
