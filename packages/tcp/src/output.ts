import { add, finish, fold, pseudoHeader4, sumWords, setPartial } from "@seville/checksum";
import type { Nanos } from "@seville/core";
import {
  type IpAddress,
  type Packet,
  SKB_GSO_TCP_ACCECN,
  SKB_GSO_TCP_ECN,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  tcp as wire,
} from "@seville/packet";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import type { OptionLayout } from "./parts.ts";
import { chargeOf } from "./small-queue.ts";
import { headerBytes, writeHeader } from "./wire/emit.ts";

/*
 * From a header in `tcp.outgoing` and a range of the send buffer to packets in the output queue.
 */

const IPPROTO_TCP = 6;

/** Where a segment goes. */
export interface OutputPath {
  readonly localAddress: IpAddress;
  readonly remoteAddress: IpAddress;
  readonly connection: TcpConnection | undefined;
  readonly ifindex: number;
  readonly tos: number;
  readonly ecn: number;
  readonly hopLimit: number;
  readonly txhash: number;
  readonly dontFragment: boolean;
}

/** Queues a segment without payload. `false`: the pool is empty. */
export function outputBare(tcp: TcpContext, path: OutputPath, layout: OptionLayout, departure: Nanos): boolean {
  const length = headerBytes(tcp.outgoing, layout);
  const packet = tcp.pool.alloc(length, tcp.headroom);
  if (packet === undefined) return false;
  packet.put(length);
  writeHeader(tcp.memory.view, packet.data, tcp.outgoing, layout);
  finishPacket(tcp, path, packet, length, 0, departure);
  return true;
}

/**
 * Queues `length` bytes of the connection's send buffer from `offset` on, under the header in `tcp.outgoing`: as one packet, as a super-packet with
 * `gsoSize`, or, for a driver that takes none, as packets of `gsoSize` bytes. FIN and PSH stand on the last of them, CWR on the first.
 * `false`: the pool has no room for the first one; that later ones found none is a loss like any other.
 */
export function outputPayload(
  tcp: TcpContext,
  path: OutputPath,
  c: TcpConnection,
  offset: number,
  length: number,
  gsoSize: number,
  departure: Nanos,
): boolean {
  const { outgoing } = tcp;
  const layout = tcp.settings.optionLayout;
  if (gsoSize === 0 || length <= gsoSize) return outputPiece(tcp, path, c, offset, length, departure);
  if (tcp.gsoMaxSize > 0) return outputSuper(tcp, path, c, offset, length, gsoSize, departure, layout);
  const { flags, seq } = outgoing;
  const keptByMiddle = flags & ~(wire.FIN | wire.PSH | wire.CWR);
  const accurate = c.accEcn !== undefined;
  for (let done = 0; done < length; done += gsoSize) {
    const last = done + gsoSize >= length;
    outgoing.seq = (seq + done) | 0;
    // CWR is a signal, once (RFC 3168 §6.1.2), unless it is part of a counter (RFC 9768).
    outgoing.flags = last ? (done === 0 || accurate ? flags : flags & ~wire.CWR) : keptByMiddle;
    if (!last && (done === 0 || accurate)) outgoing.flags |= flags & wire.CWR;
    const sent = outputPiece(tcp, path, c, offset + done, last ? length - done : gsoSize, departure);
    if (!sent) {
      if (done > 0) break;
      outgoing.seq = seq;
      outgoing.flags = flags;
      return false;
    }
  }
  outgoing.seq = seq;
  outgoing.flags = flags;
  return true;
}

function outputPiece(
  tcp: TcpContext,
  path: OutputPath,
  c: TcpConnection,
  offset: number,
  length: number,
  departure: Nanos,
): boolean {
  const layout = tcp.settings.optionLayout;
  const header = headerBytes(tcp.outgoing, layout);
  const buffer = c.sendBuffer;
  if (buffer === undefined) return false;
  const wantSum = !tcp.checksumOffload;
  const packet = buffer.packet(offset, length, tcp.headroom + header, wantSum);
  if (packet === undefined) return false;
  writeHeader(tcp.memory.view, packet.push(header), tcp.outgoing, layout);
  finishPacket(tcp, path, packet, header, wantSum ? buffer.sum : 0, departure);
  return true;
}

function outputSuper(
  tcp: TcpContext,
  path: OutputPath,
  c: TcpConnection,
  offset: number,
  length: number,
  gsoSize: number,
  departure: Nanos,
  layout: OptionLayout,
): boolean {
  const header = headerBytes(tcp.outgoing, layout);
  const packet = c.sendBuffer?.packet(offset, length, tcp.headroom + header, false);
  if (packet === undefined) return false;
  const { view } = tcp.memory;
  const at = packet.push(header);
  writeHeader(view, at, tcp.outgoing, layout);
  packet.gsoSize = gsoSize;
  packet.gsoSegs = Math.ceil(length / gsoSize);
  packet.gsoType = typeof path.localAddress === "number" ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
  if (c.accEcn !== undefined) packet.gsoType |= SKB_GSO_TCP_ACCECN;
  else if ((tcp.outgoing.flags & wire.CWR) !== 0) packet.gsoType |= SKB_GSO_TCP_ECN;
  wire.setChecksum(view, at, fold(pseudoHeader(path, packet.tail - at)));
  setPartial(packet, at, wire.CHECKSUM_OFFSET);
  queue(tcp, path, packet, departure);
  return true;
}

/** The checksum, done or left to the driver; then into the queue. */
function finishPacket(
  tcp: TcpContext,
  path: OutputPath,
  packet: Packet,
  header: number,
  payloadSum: number,
  departure: Nanos,
): void {
  const { view } = tcp.memory;
  const at = packet.data;
  const pseudo = pseudoHeader(path, packet.tail - at);
  if (tcp.checksumOffload) {
    wire.setChecksum(view, at, fold(pseudo));
    setPartial(packet, at, wire.CHECKSUM_OFFSET);
  } else {
    // The header's length is a multiple of 4: the payload's sum needs no shifting.
    wire.setChecksum(view, at, finish(tcp.sums.sum(at, header, add(pseudo, payloadSum))));
  }
  queue(tcp, path, packet, departure);
}

function queue(tcp: TcpContext, path: OutputPath, packet: Packet, departure: Nanos): void {
  packet.transportHeader = packet.data;
  packet.tstamp = departure;
  packet.hash = path.txhash;
  let charge = 0;
  if (tcp.smallQueues && path.connection !== undefined && carriesData(tcp, packet)) {
    charge = chargeOf(packet.tail - packet.data);
    path.connection.wmemAlloc += charge;
  }
  tcp.outputs.push({
    packet,
    source: path.localAddress,
    destination: path.remoteAddress,
    connection: path.connection,
    ifindex: path.ifindex,
    tos: path.tos,
    ecn: path.ecn,
    hopLimit: path.hopLimit,
    txhash: path.txhash,
    dontFragment: path.dontFragment,
    departure,
    charge,
  });
}

/** Acknowledgments alone wait for nobody and nobody waits for them (`skb_is_tcp_pure_ack`). */
function carriesData(tcp: TcpContext, packet: Packet): boolean {
  return packet.tail - packet.data > wire.headerLength(tcp.memory.view, packet.data);
}

function pseudoHeader(path: OutputPath, length: number): number {
  return pseudoHeaderSum(path.localAddress, path.remoteAddress, length);
}

/** Sum of the pseudo-header of `length` bytes of TCP between these two (RFC 9293 §3.1, RFC 8200 §8.1). */
export function pseudoHeaderSum(source: IpAddress, destination: IpAddress, length: number): number {
  if (typeof source === "number") {
    return pseudoHeader4(source, typeof destination === "number" ? destination : 0, IPPROTO_TCP, length);
  }
  if (typeof destination === "number") return 0;
  words[0] = source.w0;
  words[1] = source.w1;
  words[2] = source.w2;
  words[3] = source.w3;
  words[4] = destination.w0;
  words[5] = destination.w1;
  words[6] = destination.w2;
  words[7] = destination.w3;
  return add(sumWords(words), IPPROTO_TCP + length);
}

/** Both addresses of an IPv6 pseudo-header. */
const words = new Uint32Array(8);
