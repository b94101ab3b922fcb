import { ipv4, ipv6, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { IcmpError } from "../host/protocols.ts";
import { isTooBig, meaningOf } from "../socket/errors.ts";
import { learnPathMtu } from "../socket/learn-mtu.ts";
import { presentAddress } from "../socket/socket-address.ts";
import { PingSocket } from "./ping-socket.ts";

/** The ping sockets of a host, by identifier. */
export class PingTable {
  readonly #host: Host;
  readonly #byIdentifier = { 4: new Map<number, PingSocket>(), 6: new Map<number, PingSocket>() };

  constructor(host: Host) {
    this.#host = host;
  }

  open(family: 4 | 6): PingSocket {
    return new PingSocket(this.#host, family, this.#byIdentifier[family]);
  }

  /** Every socket that has an identifier. */
  *[Symbol.iterator](): IterableIterator<PingSocket> {
    yield* this.#byIdentifier[4].values();
    yield* this.#byIdentifier[6].values();
  }

  /** An echo reply, `data` at the ICMP header: `true` if a socket took it. */
  deliver(packet: Packet, family: 4 | 6): boolean {
    const { view } = this.#host.memory;
    const ip = packet.networkHeader;
    const socket = this.#byIdentifier[family].get(view.getUint16(packet.data + 4));
    const destination = family === 4 ? ipv4.destination(view, ip) : ipv6.destination(view, ip);
    if (socket?.matches(packet, destination) !== true) return false;
    socket.deliver(packet);
    return true;
  }

  /** An error about an echo request (`ping_err`): a ping socket is told of every one if it asked. */
  report(error: IcmpError): void {
    const { view, u8 } = this.#host.memory;
    const socket = this.#byIdentifier[error.family].get(view.getUint16(error.transportAt + 4));
    const meaning = meaningOf(error);
    if (socket === undefined || meaning === undefined) return;
    if (isTooBig(error)) learnPathMtu(this.#host, error, socket.boundDevice);
    const wanted = (error.family === 4 ? socket.options.IP_RECVERR : socket.options.IPV6_RECVERR) !== 0;
    if (!wanted && (!meaning.fatal || socket.peer?.address !== error.destination)) return;
    socket.fail(meaning.code, {
      code: meaning.code,
      origin: error.family === 4 ? "icmp" : "icmp6",
      type: error.type,
      errorCode: error.code,
      info: error.info,
      offender: presentAddress(this.#host, socket.family, error.offender, error.dev.ifindex),
      destination: presentAddress(this.#host, socket.family, error.destination, error.dev.ifindex),
      port: 0,
      data: u8.slice(error.transportAt, error.packet.tail),
    });
  }
}

/** Gives `host` ping sockets. */
export function installPing(host: Host): void {
  const table = new PingTable(host);
  host.ping = table;
  host.ipv4.pingReceive = (packet) => table.deliver(packet, 4);
  host.ipv6.pingReceive = (packet) => table.deliver(packet, 6);
  host.ipv4.pingError = (error) => table.report(error);
  host.ipv6.pingError = (error) => table.report(error);
}
