import { jhash2, type PacketMemory } from "@seville/core";
import { ETH_P_IP, ETH_P_IPV6, icmp, icmpv6, ipv4, ipv6, type IpAddress } from "@seville/packet";
import type { Flow } from "./flow.ts";

/** `FIB_MULTIPATH_HASH_FIELD_…` (include/net/ip_fib.h): what `fib_multipath_hash_fields` may name. */
export const HASH_SRC_IP = 1;
export const HASH_DST_IP = 2;
export const HASH_IP_PROTO = 4;
export const HASH_FLOWLABEL = 8;
export const HASH_SRC_PORT = 16;
export const HASH_DST_PORT = 32;
/** The same six of the packet inside a tunnel stand this many bits higher. */
export const HASH_INNER_SHIFT = 6;

const OUTER_MASK = 0x3f;
const IPPROTO_IPIP = 4;
const IPPROTO_IPV6 = 41;
const IPPROTO_GRE = 47;
const ETH_P_TEB = 0x6558;
const GRE_CSUM = 0x8000;
const GRE_ROUTING = 0x4000;
const GRE_KEY = 0x2000;
const GRE_SEQ = 0x1000;
/** `MAX_FLOW_DISSECT_HDRS`. */
const MAX_HEADERS = 15;

/**
 * What tells flows apart (`struct flow_keys`), one layout for both families: source, destination, protocol, flow label,
 * the two ports. There is one set of keys: it is filled and hashed for each packet, and nobody keeps it.
 */
const keys = new Uint32Array(12);
const DST = 4;
const PROTO = 8;
const LABEL = 9;
const SPORT = 10;
const DPORT = 11;

/** Where the header under way begins, and where the packet ends. */
let at = 0;
let end = 0;

/** The keys of a flow that has no packet yet: `fib_multipath_hash` without an skb. */
export function keysOfFlow(flow: Flow, policy: number, fields: number): void {
  keys.fill(0);
  writeAddress(0, flow.source);
  writeAddress(DST, flow.destination);
  keys[PROTO] = flow.protocol;
  keys[LABEL] = flow.flowLabel;
  keys[SPORT] = flow.sourcePort;
  keys[DPORT] = flow.destinationPort;
  select(policy, typeof flow.destination !== "number", fields);
}

/** The keys of a packet, its IP header of `family` at `network` (`fib_multipath_hash`, `rt6_multipath_hash`). */
export function hashPacket(
  memory: PacketMemory,
  network: number,
  tail: number,
  family: 4 | 6,
  policy: number,
  fields: number,
  seed: number,
): number {
  const { view } = memory;
  at = network;
  end = tail;
  keys.fill(0);
  let inner = readNetwork(view, family);
  if (policy === 0) {
    if (!keepIcmpError(view, network, family)) select(0, family === 6, 0);
    return hashKeys(seed);
  }
  if (policy === 1) {
    select(1, family === 6, 0);
    return hashKeys(seed);
  }
  if (policy === 2) {
    let innermost = family;
    for (let depth = 0; inner !== 0 && depth < MAX_HEADERS; depth++) {
      innermost = inner;
      keys.fill(0);
      inner = readNetwork(view, inner);
    }
    select(0, innermost === 6, 0);
    return hashKeys(seed);
  }
  select(3, family === 6, fields & OUTER_MASK);
  const outer = hashKeys(seed);
  if (inner === 0) return outer;
  let innermost: 4 | 6 = inner;
  for (let depth = 0; inner !== 0 && depth < MAX_HEADERS; depth++) {
    innermost = inner;
    keys.fill(0);
    inner = readNetwork(view, inner);
  }
  select(3, innermost === 6, fields >> HASH_INNER_SHIFT);
  pair[0] = outer;
  pair[1] = hashKeys(seed);
  return jhash2(pair, 0);
}

const pair = new Uint32Array(2);

/**
 * A 32-bit hash of the keys, the same for both directions of a flow (`__flow_hash_consistentify`): an ICMP error so takes the
 * way of the flow that it is about.
 */
export function hashKeys(seed: number): number {
  for (let i = 0; i < 4; i++) {
    const source = keys[i] as number;
    const destination = keys[DST + i] as number;
    if (destination === source) continue;
    if (destination < source) swapAddresses();
    break;
  }
  const sourcePort = keys[SPORT] as number;
  const destinationPort = keys[DPORT] as number;
  if (destinationPort < sourcePort) {
    keys[SPORT] = destinationPort;
    keys[DPORT] = sourcePort;
  }
  return jhash2(keys, seed, 12);
}

function swapAddresses(): void {
  for (let i = 0; i < 4; i++) {
    const source = keys[i] as number;
    keys[i] = keys[DST + i] as number;
    keys[DST + i] = source;
  }
}

/** Clears what the policy does not look at. */
function select(policy: number, isIpv6: boolean, fields: number): void {
  if (policy === 1) {
    keys[LABEL] = 0;
    return;
  }
  if (policy !== 3) {
    keys[SPORT] = 0;
    keys[DPORT] = 0;
    if (!isIpv6) keys[PROTO] = 0;
    return;
  }
  if ((fields & HASH_SRC_IP) === 0) keys.fill(0, 0, DST);
  if ((fields & HASH_DST_IP) === 0) keys.fill(0, DST, PROTO);
  if ((fields & HASH_IP_PROTO) === 0) keys[PROTO] = 0;
  if ((fields & HASH_FLOWLABEL) === 0) keys[LABEL] = 0;
  if ((fields & HASH_SRC_PORT) === 0) keys[SPORT] = 0;
  if ((fields & HASH_DST_PORT) === 0) keys[DPORT] = 0;
}

/**
 * Reads the IP header at `at` into the keys, and ports where there are any. Answers the family of a packet inside, `at` at its
 * header; 0: there is none. A fragment has no ports, since only the first one would.
 */
function readNetwork(view: DataView, family: 4 | 6): 0 | 4 | 6 {
  if (family === 4) {
    if (end - at < 20) return 0;
    keys[0] = view.getUint32(at + 12);
    keys[DST] = view.getUint32(at + 16);
    keys[PROTO] = ipv4.protocol(view, at);
    const isFragment = ipv4.isFragment(view, at);
    at += ipv4.headerLength(view, at);
    return isFragment ? 0 : readTransport(view, keys[PROTO]);
  }
  if (end - at < 40) return 0;
  for (let i = 0; i < 8; i++) keys[i] = view.getUint32(at + 8 + 4 * i);
  keys[LABEL] = ipv6.flowLabel(view, at);
  keys[PROTO] = ipv6.nextHeader(view, at);
  ipv6.walkExtensions(view, at, end, chain);
  if (chain.fault !== undefined) return 0;
  keys[PROTO] = chain.protocol;
  at = chain.at;
  return chain.fragmentAt >= 0 ? 0 : readTransport(view, chain.protocol);
}

const chain = ipv6.newChain();

function readTransport(view: DataView, protocol: number): 0 | 4 | 6 {
  switch (protocol) {
    case 6:
    case 17:
    case 33:
    case 132:
    case 136:
      if (end - at < 4) return 0;
      keys[SPORT] = view.getUint16(at);
      keys[DPORT] = view.getUint16(at + 2);
      return 0;
    case IPPROTO_IPIP:
      return 4;
    case IPPROTO_IPV6:
      return 6;
    case IPPROTO_GRE:
      return readGre(view);
    default:
      return 0;
  }
}

/** RFC 2784, RFC 2890; what has a version or a routing field is not looked into. */
function readGre(view: DataView): 0 | 4 | 6 {
  if (end - at < 4) return 0;
  const flags = view.getUint16(at);
  let protocol = view.getUint16(at + 2);
  if ((flags & 7) !== 0 || (flags & GRE_ROUTING) !== 0) return 0;
  at += 4;
  if ((flags & GRE_CSUM) !== 0) at += 4;
  if ((flags & GRE_KEY) !== 0) at += 4;
  if ((flags & GRE_SEQ) !== 0) at += 4;
  if (protocol === ETH_P_TEB) {
    if (end - at < 14) return 0;
    protocol = view.getUint16(at + 12);
    at += 14;
  }
  if (protocol === ETH_P_IP) return 4;
  return protocol === ETH_P_IPV6 ? 6 : 0;
}

/**
 * Of an ICMP error the keys become those of the packet that it is about (`ip_multipath_l3_keys`, `ip6_multipath_l3_keys`).
 * `at` is behind the outer headers.
 */
function keepIcmpError(view: DataView, network: number, family: 4 | 6): boolean {
  if (family === 4) {
    if (keys[PROTO] !== 1 || ipv4.isFragment(view, network) || end - at < 8 + 20) return false;
    if (!isIcmpError(view.getUint8(at))) return false;
    keys.fill(0);
    keys[0] = view.getUint32(at + 8 + 12);
    keys[DST] = view.getUint32(at + 8 + 16);
    return true;
  }
  if (keys[PROTO] !== 58 || end - at < 8 + 40 || view.getUint8(at) >= icmpv6.ECHO_REQUEST) return false;
  at += 8;
  keys.fill(0);
  for (let i = 0; i < 8; i++) keys[i] = view.getUint32(at + 8 + 4 * i);
  keys[LABEL] = ipv6.flowLabel(view, at);
  keys[PROTO] = ipv6.nextHeader(view, at);
  return true;
}

function isIcmpError(type: number): boolean {
  return (
    type === icmp.DESTINATION_UNREACHABLE ||
    type === icmp.REDIRECT ||
    type === icmp.TIME_EXCEEDED ||
    type === icmp.PARAMETER_PROBLEM
  );
}

function writeAddress(to: number, address: IpAddress): void {
  if (typeof address === "number") {
    keys[to] = address;
    return;
  }
  keys[to] = address.w0;
  keys[to + 1] = address.w1;
  keys[to + 2] = address.w2;
  keys[to + 3] = address.w3;
}
