import {
  compose,
  dissect,
  ETH_P_IP,
  ETH_P_IPV6,
  PacketPool,
  parseIpv6,
  walk,
  type Packet,
} from "../../../packages/packet/src/index.ts";
import {
  checkMtu,
  composeTooBig,
  createTunnelContext,
  TUNNEL_DISSECTORS,
  TunnelEndpoint,
  VxlanDevice,
  type Tunnel,
} from "../../../packages/tunnel-encap/src/index.ts";
import type { FuzzTarget } from "../target.ts";

/*
 * The first byte of an input picks the tunnel, the second the checksum state; the rest lies behind a good outer IP header. What
 * was unwrapped is wrapped again and must come out the same; everything else is dropped with a reason.
 */

const pool = new PacketPool({ small: 32, jumbo: 4, super: 4 });
const context = createTunnelContext(pool.memory, { seed: 1 });
const v4 = { local: 0xc000_0201, remote: 0xc000_0202 };
/** Of a site whose router is `remote`. */
const IPV6 = parseIpv6("2002:c000:202::1");
const known = [{ class: 1, type: 1 }];
const keys = { ikey: 7, okey: 7, icsum: true, ocsum: true, iseq: true, oseq: true };
const gue = { type: "gue", dport: 6080, remcsum: true, csum: true } as const;

const TUNNELS: readonly Tunnel[] = [
  { kind: "vxlan", id: 7, ...v4 },
  { kind: "vxlan", id: 7, ...v4, gbp: true, remcsumtx: true, remcsumrx: true },
  { kind: "vxlan", id: 7, ...v4, gpe: true },
  { kind: "geneve", id: 7, ...v4, knownOptions: known },
  { kind: "geneve", id: 7, ...v4, innerProtoInherit: true },
  { kind: "gre", ...v4 },
  { kind: "gre", ...v4, ...keys },
  { kind: "gretap", ...v4 },
  { kind: "nvgre", ...v4, vsid: 7 },
  { kind: "erspan", ...v4, erspanVer: 0 },
  { kind: "erspan", ...v4, erspanVer: 1 },
  { kind: "erspan", ...v4, erspanVer: 2 },
  { kind: "ipip", ...v4 },
  { kind: "sit", ...v4 },
  { kind: "6to4", local: v4.local },
  { kind: "ipip", ...v4, encap: gue },
  { kind: "gre", ...v4, encap: gue },
  { kind: "sit", ...v4, encap: { type: "fou", dport: 5555 } },
];

export const target: FuzzTarget = {
  run(input) {
    if (input.length < 2) return;
    const payload = input.subarray(2, 2 + 1500);
    dissectAll(payload);
    const before = pool.stats.inUse;
    unwrap(TUNNELS[(input[0] as number) % TUNNELS.length] as Tunnel, (input[1] as number) & 3, payload);
    device(payload);
    if (pool.stats.inUse !== before) throw new Error(`${pool.stats.inUse - before} packets were not given back`);
  },
  seeds,
};

/** An outer packet as a stack hands it to a tunnel. */
function receive(payload: Uint8Array, summed: number): Packet | undefined {
  const header = compose([
    { ipv4: { source: v4.remote, destination: v4.local, protocol: 47, totalLength: 20 + payload.length } },
  ]);
  const packet = pool.from(Uint8Array.of(...header, ...payload), 160);
  if (packet === undefined) throw new Error("the pool is empty");
  packet.protocol = ETH_P_IP;
  packet.networkHeader = packet.data;
  packet.pull(header.length);
  packet.ipSummed = summed as Packet["ipSummed"];
  packet.csumStart = packet.data;
  return packet;
}

function unwrap(tunnel: Tunnel, summed: number, payload: Uint8Array): void {
  const endpoint = new TunnelEndpoint(tunnel, context);
  const packet = receive(payload, summed);
  if (packet === undefined) return;
  const most = packet.length;
  if (endpoint.decapsulate(packet) === undefined) {
    if (packet.length > most) throw new Error(`${packet.length} bytes out of ${most}`);
    checkMtu(packet, endpoint.overhead, 1400);
    composeTooBig(packet, { mtu: 1400, isEthernet: endpoint.info.isEthernet })?.release();
    wrapAgain(packet, endpoint);
  }
  packet.release();
}

/** What came out goes in again: its bytes stay what they are, behind new headers. */
function wrapAgain(packet: Packet, endpoint: TunnelEndpoint): void {
  packet.ipSummed = 0;
  if (!endpoint.isEthernet && packet.protocol !== ETH_P_IP && packet.protocol !== ETH_P_IPV6) return;
  const inner = Uint8Array.from(packet.bytes());
  if (endpoint.encapsulate(packet) !== "ok") return;
  const tail = packet.bytes().subarray(packet.length - inner.length);
  if (tail.some((byte, i) => byte !== inner[i])) throw new Error("the inner packet was changed");
}

function device(payload: Uint8Array): void {
  const vx = new VxlanDevice(
    {
      id: 7,
      local: v4.local,
      address: 0x02_00_00_00_00_99,
      proxy: true,
      remotes: [{ ip: v4.remote }, { ip: 0xc000_0203 }],
    },
    context,
  );
  vx.setNeighbour(0x0a00_0002, 0x02_00_00_00_00_02);
  for (const from of ["underlay", "bridge"] as const) {
    const packet = receive(payload, 0);
    if (packet !== undefined) vx.handle(packet, { from }, 0);
  }
  for (let output = vx.poll(); output !== undefined; output = vx.poll()) output.packet.release();
}

function dissectAll(payload: Uint8Array): void {
  for (const port of [4789, 4790, 6081, 6080]) {
    const frame = compose([
      { ethernet: { destination: 1, source: 2 } },
      { ipv4: { source: 1, destination: 2 } },
      { udp: { sourcePort: 1, destinationPort: port, checksum: 0 } },
      payload,
    ]);
    for (const node of walk(dissect(frame, { dissectors: TUNNEL_DISSECTORS, maxNodes: 2000 }))) {
      if (node.offset < 0 || node.offset + node.length > frame.length)
        throw new Error(`${node.abbreviation} lies outside`);
    }
  }
  const gre = compose([
    { ethernet: { destination: 1, source: 2 } },
    { ipv4: { source: 1, destination: 2, protocol: 47 } },
    payload,
  ]);
  dissect(gre, { dissectors: TUNNEL_DISSECTORS, maxNodes: 2000 });
}

function seeds(): Uint8Array[] {
  const inner4 = compose([
    { ipv4: { source: 0x0a00_0001, destination: 0x0a00_0002 } },
    { udp: { sourcePort: 1, destinationPort: 2 } },
    "payload",
  ]);
  const inner6 = compose([
    { ipv6: { source: IPV6, destination: IPV6 } },
    { udp: { sourcePort: 1, destinationPort: 2 } },
    "payload",
  ]);
  const frame = compose([{ ethernet: { destination: 2, source: 0x02_00_00_00_00_01, etherType: ETH_P_IP } }, inner4]);
  return TUNNELS.map((tunnel, i) => {
    const endpoint = new TunnelEndpoint(tunnel, context);
    const inside = endpoint.isEthernet ? frame : tunnel.kind === "sit" || tunnel.kind === "6to4" ? inner6 : inner4;
    const packet = pool.from(inside, 160);
    if (packet === undefined) throw new Error("the pool is empty");
    packet.protocol = inside === inner6 ? ETH_P_IPV6 : ETH_P_IP;
    if (endpoint.encapsulate(packet) !== "ok") throw new Error("not wrapped");
    const bytes = Uint8Array.of(i, 1, ...packet.bytes().subarray(20));
    packet.release();
    return bytes;
  });
}
