import { ACK, FIN, RST, SYN } from "../language/tcp-flags.ts";
import { decodePacket } from "../wire/decode.ts";
import { encodePacket } from "../wire/encode.ts";
import { IPPROTO_TCP, IPPROTO_UDP, type WirePacket, type WireTcp } from "../wire/packet.ts";
import type { CapturedPacket, ConnectionRow } from "./system.ts";

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const TCP_HEADER = 20;
const UDP_HEADER = 8;
const TCPOPT_EOL = 0;
const TCPOPT_NOP = 1;
const TCPOPT_MSS = 2;

/** What becomes of a packet that came in: it goes up, as it is or as a TCP segment, or it is dropped, with an answer or without. */
export type Unwrapped = { readonly up: Uint8Array } | { readonly answer: Uint8Array | undefined };

/**
 * TCP over UDP as FreeBSD has it (`net.inet.tcp.udp_tunneling_port`, draft-cheshire-tcp-over-udp): segments of a connection whose peer has a UDP port
 * go out in datagrams to it, and those that come in to the tunnel's port come out of theirs.
 */
export class UdpTunnel {
  /** `net.inet.tcp.udp_tunneling_port`; 0: none. */
  port = 0;
  /** `net.inet.tcp.udp_tunneling_overhead`: what the maximum segment sizes leave room for. */
  overhead = UDP_HEADER;
  readonly #connections: () => readonly ConnectionRow[];
  readonly #mtu: () => number;
  /** The peer's UDP port by the TCP ports of the two ends. */
  readonly #peers: Map<string, number> = new Map();

  constructor(connections: () => readonly ConnectionRow[], mtu: () => number) {
    this.#connections = connections;
    this.#mtu = mtu;
  }

  /** The UDP port of a connection's peer; 0: the connection is not in UDP. */
  peerOf(localPort: number, remotePort: number): number {
    return this.#peers.get(`${localPort}:${remotePort}`) ?? 0;
  }

  /** The segments between these ports are in UDP, or (0) are not. */
  setPeer(localPort: number, remotePort: number, udpPort: number): void {
    if (udpPort === 0) this.#peers.delete(`${localPort}:${remotePort}`);
    else this.#peers.set(`${localPort}:${remotePort}`, udpPort);
  }

  /** A packet on its way out. */
  wrap(captured: CapturedPacket): CapturedPacket {
    if (this.#peers.size === 0) return captured;
    const packet = decodePacket(captured.bytes, { verify: captured.summed });
    const { body } = packet;
    if (body.protocol !== "tcp") return captured;
    const peer = this.peerOf(body.ports.source, body.ports.destination);
    if (peer === 0) return captured;
    const options = withMss(body, (mss) => mss - this.overhead);
    return { ...captured, bytes: this.#encode(packet, { ...body, options }, peer), summed: true };
  }

  /** A packet on its way in. */
  unwrap(bytes: Uint8Array): Unwrapped {
    if (this.port === 0 && this.#peers.size === 0) return { up: bytes };
    const asUdp = decodePacket(bytes, { verify: false });
    const { body } = asUdp;
    if (body.protocol === "icmp") return { up: this.#withoutDatagram(asUdp) ?? bytes };
    if (body.protocol === "tcp") return this.#toConnection(asUdp, body, 0);
    if (body.protocol !== "udp" || body.ports.destination !== this.port) return { up: bytes };
    const packet = decodePacket(bytes, { verify: false, tcpInUdp: true });
    if (packet.body.protocol !== "tcp") return { up: bytes };
    return this.#toConnection(packet, packet.body, body.ports.source);
  }

  /** A connection takes segments only as it has them itself, in datagrams from the same port or in none (`tcp_input_with_port`). */
  #toConnection(packet: WirePacket, tcp: WireTcp, udpPort: number): Unwrapped {
    const { source: remotePort, destination: localPort } = tcp.ports;
    const isTaken = this.#connections().some(
      (row) => row.localPort === localPort && row.remotePort === remotePort && row.state !== "LISTEN",
    );
    if (isTaken && this.peerOf(localPort, remotePort) !== udpPort) {
      const isReset = (tcp.flags & RST) !== 0;
      return { answer: isReset ? undefined : this.#encode(backwards(packet), reset(tcp), udpPort) };
    }
    this.setPeer(localPort, remotePort, udpPort);
    const most = this.#mtu() - (packet.family === 4 ? IPV4_HEADER : IPV6_HEADER) - TCP_HEADER - this.overhead;
    const options = udpPort === 0 ? tcp.options : withMss(tcp, (mss) => Math.min(mss, most));
    return { up: encodePacket({ ...packet, body: { ...tcp, options, encapsulation: undefined } }) };
  }

  #encode(packet: WirePacket, tcp: WireTcp, udpPort: number): Uint8Array {
    const encapsulation = udpPort === 0 ? undefined : { source: this.port, destination: udpPort };
    return encodePacket({ ...packet, body: { ...tcp, encapsulation } });
  }

  /** An ICMP message about a datagram of the tunnel, as one about the segment in it. */
  #withoutDatagram(packet: WirePacket): Uint8Array | undefined {
    const { body, family } = packet;
    if (body.protocol !== "icmp") return undefined;
    const header = family === 4 ? ((body.payload[0] ?? 0) & 15) * 4 : IPV6_HEADER;
    const protocolAt = family === 4 ? 9 : 6;
    const isOurs =
      body.payload.length > header + UDP_HEADER &&
      body.payload[protocolAt] === IPPROTO_UDP &&
      new DataView(body.payload.buffer, body.payload.byteOffset).getUint16(header) === this.port;
    if (!isOurs) return undefined;
    const quoted = new Uint8Array(body.payload.length - UDP_HEADER);
    quoted.set(body.payload.subarray(0, header));
    quoted.set(body.payload.subarray(header + UDP_HEADER), header);
    quoted[protocolAt] = IPPROTO_TCP;
    const hasMtu = (family === 4 && body.type === 3 && body.code === 4) || (family === 6 && body.type === 2);
    const rest = hasMtu && body.rest > this.overhead ? body.rest - this.overhead : body.rest;
    return encodePacket({ ...packet, body: { ...body, rest, payload: quoted } });
  }
}

/** The answer to a segment that no connection takes (RFC 9293 §3.5.2). */
function reset(tcp: WireTcp): WireTcp {
  const hasAck = (tcp.flags & ACK) !== 0;
  const length = tcp.payload.length + ((tcp.flags & SYN) === 0 ? 0 : 1) + ((tcp.flags & FIN) === 0 ? 0 : 1);
  return {
    ...tcp,
    ports: { source: tcp.ports.destination, destination: tcp.ports.source },
    seq: hasAck ? tcp.ack : 0,
    ack: hasAck ? 0 : (tcp.seq + length) >>> 0,
    flags: hasAck ? RST : RST | ACK,
    window: 0,
    urgent: 0,
    options: new Uint8Array(0),
    payload: new Uint8Array(0),
  };
}

function backwards(packet: WirePacket): WirePacket {
  return { ...packet, source: packet.destination, destination: packet.source, ecn: 0, dscp: 0, ttl: 64 };
}

/** The options of a segment, the maximum segment size of a SYN changed. */
function withMss(tcp: WireTcp, change: (mss: number) => number): Uint8Array {
  if ((tcp.flags & SYN) === 0) return tcp.options;
  const options = tcp.options.slice();
  const view = new DataView(options.buffer);
  let at = 0;
  while (at + 1 < options.length && options[at] !== TCPOPT_EOL) {
    if (options[at] === TCPOPT_NOP) {
      at++;
      continue;
    }
    const length = options[at + 1] as number;
    if (length < 2) break;
    if (options[at] === TCPOPT_MSS && length === 4 && at + 4 <= options.length) {
      view.setUint16(at + 2, Math.max(1, change(view.getUint16(at + 2))));
    }
    at += length;
  }
  return options;
}
