import { finish, pseudoHeader4, pseudoHeader6At, sum } from "../../../packages/checksum/src/index.ts";
import { createRandom, millis, seconds } from "../../../packages/core/src/index.ts";
import {
  compose,
  ethernet,
  icmpv6,
  ipv4,
  ipv6,
  PacketPool,
  parseIpv4,
  parseIpv6,
  tcp,
  udp,
  type HeaderLayer,
  type Layer,
} from "../../../packages/packet/src/index.ts";
import { Link, Simulator } from "../../../packages/sim/src/index.ts";
import {
  addAddress4,
  addAddress6,
  closeHost,
  createEthernet,
  createHost,
  type Host,
} from "../../../packages/stack/src/index.ts";
import type { FuzzTarget } from "../target.ts";

const HOST_MAC = 0x02_00_00_00_00_01;
const PEER_MAC = 0x02_00_00_00_00_02;
/** Bit of an input's first byte: write right checksums into its frames, so that they get past the first door. */
const FIX_CHECKSUMS = 1;
/** Bit of an input's first byte: the host forwards. */
const FORWARDING = 2;

const pool = new PacketPool({ small: 512, jumbo: 32, super: 4 });

/**
 * A host that is sent anything at all: a first byte of settings, then frames with their length in two bytes. Nothing
 * may be thrown, the simulation must come to rest, and in the end every packet is back in the pool.
 */
export const target: FuzzTarget = {
  run(input) {
    const settings = input[0] ?? 0;
    const simulator = new Simulator();
    const random = createRandom(1);
    const host = createHost({
      name: "h",
      scheduler: simulator,
      pool,
      random,
      sysctls: {
        "net.ipv4.ip_forward": (settings & FORWARDING) >>> 1,
        "net.ipv6.conf.all.forwarding": (settings & FORWARDING) >>> 1,
      },
    });
    const link = new Link({ scheduler: simulator, random, name: "wire", queue: { kind: "fifo", limitPackets: 200 } });
    // What the host answers ends here.
    link.b.attach({ receiveFrame: (frame) => frame.release() });
    configure(host, link);
    simulator.run({ until: seconds(3) });
    for (const frame of framesOf(input)) {
      if ((settings & FIX_CHECKSUMS) !== 0) fixChecksums(frame);
      const packet = pool.from(frame);
      if (packet !== undefined) link.b.send(packet);
      simulator.run({ until: simulator.now + millis(5), maxEvents: 100_000 });
    }
    // Long enough for reassembly and resolution to give up.
    const { end } = simulator.run({ until: simulator.now + seconds(70), maxEvents: 200_000 });
    if (end === "budget") throw new Error("the host does not come to rest");
    closeHost(host);
    link.close();
    simulator.run({ until: simulator.now + seconds(1) });
    if (pool.stats.inUse !== 0) throw new Error(`${pool.stats.inUse} packets were not given back`);
  },
  seeds,
};

function configure(host: Host, link: Link): void {
  const iface = host.interfaces.add(createEthernet(link.a), { name: "eth0", mac: HOST_MAC, up: true });
  addAddress4(iface, { address: parseIpv4("10.0.0.1"), prefixLength: 24 });
  addAddress6(iface, { address: parseIpv6("2001:db8::1"), prefixLength: 64 });
  host.ipv4.fib.add({ destination: 0, prefixLength: 0, gateway: parseIpv4("10.0.0.2") });
}

function framesOf(input: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 1; at + 2 <= input.length && frames.length < 32;) {
    const length = ((input[at] as number) << 8) | (input[at + 1] as number);
    const frame = input.slice(at + 2, at + 2 + length);
    if (frame.length >= ethernet.HEADER_LENGTH && frame.length <= 1514) frames.push(frame);
    at += 2 + length;
  }
  return frames;
}

function fixChecksums(frame: Uint8Array): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const at = ethernet.HEADER_LENGTH;
  if (ipv4.check(view, at, frame.length) === undefined) {
    ipv4.updateChecksum(view, at);
    const start = at + ipv4.headerLength(view, at);
    const end = at + ipv4.totalLength(view, at);
    const protocol = ipv4.protocol(view, at);
    const pseudo = pseudoHeader4(ipv4.source(view, at), ipv4.destination(view, at), protocol, end - start);
    fixTransport(frame, view, { protocol, start, end, pseudo });
  } else if (ipv6.check(view, at, frame.length) === undefined) {
    const start = at + ipv6.HEADER_LENGTH;
    const end = start + ipv6.payloadLength(view, at);
    const protocol = ipv6.nextHeader(view, at);
    const pseudo = pseudoHeader6At(frame, at + 8, at + 24, protocol, end - start);
    fixTransport(frame, view, { protocol, start, end, pseudo });
  }
}

/** Where a protocol keeps its checksum, and whether the pseudo-header counts. */
const CHECKSUM_AT: Readonly<Record<number, { readonly offset: number; readonly pseudo: boolean }>> = {
  1: { offset: 2, pseudo: false },
  2: { offset: 2, pseudo: false },
  6: { offset: tcp.CHECKSUM_OFFSET, pseudo: true },
  17: { offset: udp.CHECKSUM_OFFSET, pseudo: true },
  58: { offset: 2, pseudo: true },
};

function fixTransport(
  frame: Uint8Array,
  view: DataView,
  { protocol, start, end, pseudo }: { protocol: number; start: number; end: number; pseudo: number },
): void {
  const place = CHECKSUM_AT[protocol];
  if (place === undefined || start + place.offset + 2 > end || end > frame.length) return;
  view.setUint16(start + place.offset, 0);
  view.setUint16(start + place.offset, finish(sum(frame.subarray(start, end), place.pseudo ? pseudo : 0)));
}

function seeds(): Uint8Array[] {
  const frame: HeaderLayer = { ethernet: { destination: HOST_MAC, source: PEER_MAC } };
  const v4: HeaderLayer = { ipv4: { source: parseIpv4("10.0.0.2"), destination: parseIpv4("10.0.0.1"), ttl: 64 } };
  const through: HeaderLayer = { ipv4: { source: parseIpv4("10.0.0.2"), destination: parseIpv4("192.0.2.1"), ttl: 1 } };
  const v6: HeaderLayer = {
    ipv6: { source: parseIpv6("2001:db8::2"), destination: parseIpv6("2001:db8::1"), hopLimit: 255 },
  };
  const fragment = (offset: number, more: boolean): HeaderLayer => ({
    fragment: { fragmentOffset: offset, moreFragments: more, identification: 9 },
  });
  const stories: Layer[][][] = [
    [[frame, v4, { icmp: { type: 8, identifier: 1, sequence: 1 } }, "ping"]],
    [[frame, v6, { icmpv6: { type: icmpv6.ECHO_REQUEST, identifier: 1, sequence: 1 } }, "ping"]],
    [[frame, v4, { udp: { sourcePort: 1, destinationPort: 7 } }, "nobody listens"]],
    [[frame, through, { udp: { sourcePort: 1, destinationPort: 7 } }, "its time is up"]],
    [[frame, v4, { tcp: { sourcePort: 1, destinationPort: 80, sequence: 1, flags: tcp.SYN, window: 1 } }]],
    [
      [frame, v6, fragment(0, true), new Uint8Array(64)],
      [frame, v6, fragment(64, false), "end"],
    ],
    [[frame, v6, { nd: { type: "neighbor-solicitation", target: parseIpv6("2001:db8::1") } }]],
    [
      [
        frame,
        { ipv6: { source: parseIpv6("fe80::2"), destination: parseIpv6("ff02::1"), hopLimit: 255 } },
        { nd: { type: "router-advertisement", curHopLimit: 64, flags: 0, routerLifetime: 90, reachableTime: 0, retransTimer: 0, options: [
          { kind: "prefix-information", prefix: parseIpv6("2001:db8:9::"), prefixLength: 64, flags: 0xc0, validLifetime: 90, preferredLifetime: 80 },
        ] } },
      ],
    ], // prettier-ignore
    [
      [
        frame,
        {
          arp: {
            operation: 1,
            senderMac: PEER_MAC,
            senderIp: parseIpv4("10.0.0.2"),
            targetMac: 0,
            targetIp: parseIpv4("10.0.0.1"),
          },
        },
      ],
    ],
  ];
  return stories.flatMap((story) => [0, FIX_CHECKSUMS, FIX_CHECKSUMS | FORWARDING].map((bits) => pack(bits, story)));
}

function pack(settings: number, story: readonly Layer[][]): Uint8Array {
  const bytes = [settings];
  for (const layers of story) {
    const frame = compose(layers);
    bytes.push(frame.length >>> 8, frame.length & 255, ...frame);
  }
  return Uint8Array.from(bytes);
}
