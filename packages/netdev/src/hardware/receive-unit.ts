import { isValid, verifySctp, type ChecksumKernels } from "@seville/checksum";
import { ethernet, IPPROTO_TCP, IPPROTO_UDP, udp, type Packet } from "@seville/packet";
import { stripVlan } from "../transmit/vlan.ts";
import type { RxChecksum, RxCompletion } from "./descriptor.ts";
import { pseudoSum } from "./pseudo.ts";
import { parseFrame, type ParsedFrame, type TransportHeader } from "./receive-parse.ts";
import type { RxSilicon } from "./silicon.ts";

/** What is switched on in the receive side. */
export interface RxSwitches {
  readonly checksum: boolean;
  readonly vlanStripping: boolean;
  readonly hash: boolean;
}

/** The RSS hash of a frame and whether ports are in it; 0: not hashed. */
export type RxHash = (view: DataView, parsed: ParsedFrame) => { readonly hash: number; readonly isL4: boolean };

/** What the receive side of a NIC notes about a frame beside its bytes. */
export function receiveFrame(
  kernels: ChecksumKernels,
  silicon: RxSilicon,
  switches: RxSwitches,
  packet: Packet,
  parsed: ParsedFrame,
  hasher: RxHash,
): RxCompletion {
  const { view } = kernels.memory;
  const hashed = switches.hash && silicon.hash ? hasher(view, parsed) : { hash: 0, isL4: false };
  const verdicts = switches.checksum ? judge(kernels, silicon, parsed) : NOTHING_KNOWN;
  const vlanTci = switches.vlanStripping && silicon.vlanStripping && stripVlan(packet) ? packet.vlanTci : -1;
  packet.vlanTci = -1;
  const begin = packet.data + ethernet.HEADER_LENGTH;
  const sum =
    switches.checksum && silicon.sums && packet.tail >= begin ? kernels.sum(begin, packet.tail - begin) : undefined;
  return {
    packet,
    vlanTci,
    hash: hashed.hash,
    hashIsL4: hashed.isL4,
    hasCrc: parsed.transports.some(({ protocol }) => protocol === "sctp"),
    sum,
    isTunnel: parsed.innerFrom !== -1,
    ...verdicts,
  };
}

interface Verdicts {
  readonly outer: RxChecksum;
  readonly inner: RxChecksum;
  readonly outerCount: number;
}

const NOTHING_KNOWN: Verdicts = { outer: "unknown", inner: "unknown", outerCount: 0 };

function judge(kernels: ChecksumKernels, silicon: RxSilicon, { transports, innerFrom }: ParsedFrame): Verdicts {
  const outerHeaders = innerFrom === -1 ? transports : transports.slice(0, innerFrom);
  const inner = innerFrom === -1 ? undefined : transports[innerFrom];
  if (outerHeaders.length === 0 && inner === undefined) return NOTHING_KNOWN;
  return {
    outer: silicon.verifiesOuter ? verifyAll(kernels, silicon, outerHeaders) : presence(kernels, outerHeaders),
    inner: inner !== undefined && silicon.verifiesInner ? verify(kernels, silicon, inner) : "unknown",
    outerCount: outerHeaders.length,
  };
}

/** All of them: one that is bad makes the whole bad. */
function verifyAll(kernels: ChecksumKernels, silicon: RxSilicon, headers: readonly TransportHeader[]): RxChecksum {
  let result: RxChecksum = "absent";
  for (const header of headers) {
    const one = verify(kernels, silicon, header);
    if (one === "bad" || one === "unknown") return one;
    if (one === "good") result = "good";
  }
  return result;
}

/** A NIC that does not verify sees at least whether there is something to verify. */
function presence(kernels: ChecksumKernels, headers: readonly TransportHeader[]): RxChecksum {
  return headers.every((header) => isAbsent(kernels.memory.view, header)) ? "absent" : "unknown";
}

/** UDP over IPv4 with a checksum of 0 has none (RFC 768); over IPv6 too where a tunnel allows it (RFC 6935). */
function isAbsent(view: DataView, { protocol, at }: TransportHeader): boolean {
  return protocol === "udp" && udp.checksum(view, at) === 0;
}

function verify(kernels: ChecksumKernels, silicon: RxSilicon, header: TransportHeader): RxChecksum {
  const { protocol, at, end, network } = header;
  if (isAbsent(kernels.memory.view, header)) return "absent";
  if (protocol === "sctp") {
    if (!silicon.verifiesCrc32c) return "unknown";
    return verifySctp(kernels, at, end - at) ? "good" : "bad";
  }
  if (protocol === "gre") return isValid(kernels.sum(at, end - at)) ? "good" : "bad";
  const pseudo = pseudoSum(kernels, network, protocol === "tcp" ? IPPROTO_TCP : IPPROTO_UDP, end - at);
  return isValid(kernels.sum(at, end - at, pseudo)) ? "good" : "bad";
}

/** {@link parseFrame} over a packet. */
export function parsePacket(packet: Packet, silicon: RxSilicon): ParsedFrame {
  return parseFrame(packet.pool.memory.view, packet.data, packet.tail, silicon.parser);
}
