import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  arp,
  compose,
  decodeFloat16,
  decodeFloat8,
  dissect,
  encodeFloat16,
  encodeFloat8,
  ethernet,
  formatIpv4,
  formatMac,
  icmp,
  icmpv6,
  igmp,
  ipv4,
  ipv6,
  Ipv6Address,
  mld,
  nd,
  parseIpv6,
  tcp,
  udp,
  vlan,
  walk,
  type FieldNode,
} from "../src/index.ts";
import { CORPUS } from "./corpus.ts";

type Getter = (view: DataView, at: number) => unknown;

/** Which accessor reads which of Wireshark's fields; `dissect` is held against tshark elsewhere (P40). */
const READS: readonly (readonly [protocol: string, fields: Readonly<Record<string, Getter>>])[] = [
  ["eth", { "eth.dst": mac(ethernet.destination), "eth.src": mac(ethernet.source), "eth.type": ethernet.etherType }],
  [
    "vlan",
    { "vlan.priority": vlan.priority, "vlan.dei": vlan.dropEligible, "vlan.id": vlan.id, "vlan.etype": vlan.etherType },
  ],
  [
    "arp",
    {
      "arp.hw.type": arp.hardwareType,
      "arp.proto.type": arp.protocolType,
      "arp.hw.size": arp.hardwareLength,
      "arp.proto.size": arp.protocolLength,
      "arp.opcode": arp.operation,
      "arp.src.hw_mac": mac(arp.senderMac),
      "arp.src.proto_ipv4": ip(arp.senderIp),
      "arp.dst.hw_mac": mac(arp.targetMac),
      "arp.dst.proto_ipv4": ip(arp.targetIp),
    },
  ],
  [
    "ip",
    {
      "ip.version": ipv4.version,
      "ip.hdr_len": ipv4.headerLength,
      "ip.dsfield": ipv4.tos,
      "ip.dsfield.dscp": ipv4.dscp,
      "ip.dsfield.ecn": ipv4.ecn,
      "ip.len": ipv4.totalLength,
      "ip.id": ipv4.identification,
      "ip.flags.df": ipv4.dontFragment,
      "ip.flags.mf": ipv4.moreFragments,
      "ip.frag_offset": (view, at) => ipv4.fragmentOffset(view, at) / 8,
      "ip.ttl": ipv4.ttl,
      "ip.proto": ipv4.protocol,
      "ip.checksum": ipv4.checksum,
      "ip.src": ip(ipv4.source),
    },
  ],
  [
    "ipv6",
    {
      "ipv6.version": ipv6.version,
      "ipv6.tclass": ipv6.trafficClass,
      "ipv6.tclass.dscp": ipv6.dscp,
      "ipv6.tclass.ecn": ipv6.ecn,
      "ipv6.flow": ipv6.flowLabel,
      "ipv6.plen": ipv6.payloadLength,
      "ipv6.nxt": ipv6.nextHeader,
      "ipv6.hlim": ipv6.hopLimit,
      "ipv6.src": text(ipv6.source),
      "ipv6.dst": text(ipv6.destination),
    },
  ],
  [
    "ipv6.fraghdr",
    {
      "ipv6.fraghdr.offset": (view, at) => ipv6.fragmentOffset(view, at) / 8,
      "ipv6.fraghdr.more": ipv6.moreFragments,
      "ipv6.fraghdr.ident": ipv6.fragmentIdentification,
    },
  ],
  ["ipv6.routing", { "ipv6.routing.type": ipv6.routingType, "ipv6.routing.segleft": ipv6.segmentsLeft }],
  [
    "icmp",
    {
      "icmp.type": icmp.type,
      "icmp.code": icmp.code,
      "icmp.checksum": icmp.checksum,
      "icmp.ident": icmp.identifier,
      "icmp.seq": icmp.sequence,
      "icmp.mtu": icmp.nextHopMtu,
      "icmp.pointer": icmp.pointer,
      "icmp.redir_gw": ip(icmp.gateway),
      "icmp.originate_timestamp": icmp.originate,
      "icmp.receive_timestamp": icmp.receive,
      "icmp.transmit_timestamp": icmp.transmit,
    },
  ],
  [
    "icmpv6",
    {
      "icmpv6.type": icmpv6.type,
      "icmpv6.code": icmpv6.code,
      "icmpv6.checksum": icmpv6.checksum,
      "icmpv6.echo.identifier": icmpv6.identifier,
      "icmpv6.echo.sequence_number": icmpv6.sequence,
      "icmpv6.mtu": icmpv6.mtu,
      "icmpv6.pointer": icmpv6.pointer,
      "icmpv6.nd.ra.cur_hop_limit": nd.curHopLimit,
      "icmpv6.nd.ra.flag": nd.routerFlags,
      "icmpv6.nd.ra.router_lifetime": nd.routerLifetime,
      "icmpv6.nd.ra.reachable_time": nd.reachableTime,
      "icmpv6.nd.ra.retrans_timer": nd.retransTimer,
      "icmpv6.nd.ns.target_address": text(nd.target),
      "icmpv6.nd.na.target_address": text(nd.target),
      "icmpv6.nd.na.flag": (view, at) => nd.neighborFlags(view, at) * 0x100_0000,
      "icmpv6.nd.rd.target_address": text(nd.target),
      "icmpv6.rd.na.destination_address": text(nd.destination),
      "icmpv6.mld.maximum_response_delay": (view, at) => mld.maxResponseDelay(view, at, false),
      "icmpv6.mld.maximum_response_code": mld.maxResponseCode,
      "icmpv6.mld.multicast_address": text(mld.group),
    },
  ],
  ["igmp", { "igmp.type": igmp.type, "igmp.checksum": igmp.checksum, "igmp.max_resp": igmp.maxResponseCode }],
  [
    "udp",
    {
      "udp.srcport": udp.sourcePort,
      "udp.dstport": udp.destinationPort,
      "udp.length": udp.length,
      "udp.checksum": udp.checksum,
    },
  ],
  [
    "tcp",
    {
      "tcp.srcport": tcp.sourcePort,
      "tcp.dstport": tcp.destinationPort,
      "tcp.seq": tcp.sequence,
      "tcp.ack": tcp.acknowledgment,
      "tcp.hdr_len": tcp.headerLength,
      "tcp.flags": tcp.flags,
      "tcp.window_size_value": tcp.window,
      "tcp.checksum": tcp.checksum,
      "tcp.urgent_pointer": tcp.urgentPointer,
    },
  ],
];

function mac(get: (view: DataView, at: number) => number): Getter {
  return (view, at) => formatMac(get(view, at));
}

function ip(get: (view: DataView, at: number) => number): Getter {
  return (view, at) => formatIpv4(get(view, at));
}

function text(get: (view: DataView, at: number) => Ipv6Address): Getter {
  return (view, at) => get(view, at).toString();
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Every header of that protocol in the corpus, with its frame. */
function* headers(protocol: string): Generator<readonly [view: DataView, node: FieldNode, end: number]> {
  for (const frame of Object.values(CORPUS)) {
    for (const node of walk(dissect(frame))) {
      if (node.abbreviation === protocol) yield [viewOf(frame), node, frame.length];
    }
  }
}

describe("accessors", () => {
  test.each(READS)("P22 of %s read what the dissected field says, in host order", (protocol, fields) => {
    const seen = new Set<string>();
    for (const [view, node] of headers(protocol)) {
      for (const child of walk(node)) {
        const get = fields[child.abbreviation];
        if (get === undefined) continue;
        expect(get(view, node.offset), child.abbreviation).toBe(child.value);
        seen.add(child.abbreviation);
      }
    }
    expect([...seen].sort()).toEqual(Object.keys(fields).sort());
  });

  const modules = { arp, ethernet, icmp, icmpv6, igmp, ipv4, ipv6, tcp, udp, vlan };
  test.each(Object.entries(modules))("P23 setters of %s write what the getter reads, and nothing else", (_, module) => {
    const functions = module as unknown as Readonly<Record<string, unknown>>;
    const pairs = Object.keys(functions)
      .filter((name) => name.startsWith("set"))
      .map((name) => [name, name.charAt(3).toLowerCase() + name.slice(4)] as const);
    expect(pairs.length).toBeGreaterThan(0);
    for (const [setter, getter] of pairs) {
      const set = functions[setter] as (view: DataView, at: number, value: unknown) => void;
      const get = functions[getter] as Getter;
      expect(get, getter).toBeTypeOf("function");
      fc.assert(
        fc.property(
          fc.uint8Array({ minLength: 64, maxLength: 64 }),
          fc.uint8Array({ minLength: 64, maxLength: 64 }),
          (one, other) => {
            const before = one.slice();
            const value = get(viewOf(other), 3);
            set(viewOf(one), 3, value);
            expect(get(viewOf(one), 3)).toBe(value);
            // Set back, nothing has changed: no other bit was touched.
            set(viewOf(one), 3, get(viewOf(before), 3));
            expect(one).toEqual(before);
          },
        ),
        { numRuns: 50 },
      );
    }
  });
});

describe("parse and write", () => {
  test.each([
    ["eth", ethernet],
    ["vlan", vlan],
    ["arp", arp],
    ["udp", udp],
  ] as const)("P23 %s: write gives the bytes that parse read", (protocol, codec) => {
    let count = 0;
    for (const [view, node, end] of headers(protocol)) {
      const fields = codec.parse(view, node.offset, end);
      // A first fragment and a packet at fault end early.
      if (fields === undefined) continue;
      const out = new Uint8Array(node.length);
      expect(codec.write(viewOf(out), 0, fields as never)).toBe(node.length);
      expect(out).toEqual(new Uint8Array(view.buffer, node.offset, node.length));
      count++;
    }
    expect(count).toBeGreaterThan(1);
  });

  test("P23 IPv4 with options, TCP with options, ND, MLD and IGMP: write gives the bytes that parse read", () => {
    const rewritten: Record<string, number> = {};
    const expectSame = (protocol: string, view: DataView, node: FieldNode, out: Uint8Array): void => {
      expect(out, protocol).toEqual(new Uint8Array(view.buffer, node.offset, out.length));
      rewritten[protocol] = (rewritten[protocol] ?? 0) + 1;
    };
    for (const [view, node] of headers("ip")) {
      const fields = ipv4.parse(view, node.offset, node.offset + ipv4.totalLength(view, node.offset));
      if (fields === undefined) continue;
      const out = new Uint8Array(node.length);
      ipv4.write(viewOf(out), 0, { ...fields, checksum: undefined, options: ipv4.parseOptions(view, node.offset) });
      expectSame("ip", view, node, out);
    }
    for (const [view, node, end] of headers("tcp")) {
      const { options, fault } = tcp.parseOptions(view, node.offset);
      expect(fault).toBeUndefined();
      const out = new Uint8Array(node.length);
      tcp.write(viewOf(out), 0, { ...tcp.parse(view, node.offset, end)!, options });
      expectSame("tcp", view, node, out);
    }
    for (const [view, node] of headers("icmpv6")) {
      const end = node.offset + node.length;
      const message = nd.parse(view, node.offset, end);
      const listener = mld.parse(view, node.offset, end);
      const layer = message === undefined ? { mld: listener! } : { nd: message };
      if (message === undefined && listener === undefined) continue;
      const out = compose([
        { ipv6: { source: Ipv6Address.of(0, 0, 0, 1), destination: Ipv6Address.of(0, 0, 0, 1) } },
        layer,
      ]).slice(40);
      icmpv6.setChecksum(viewOf(out), 0, icmpv6.checksum(view, node.offset));
      expectSame("icmpv6", view, node, out);
    }
    for (const [view, node] of headers("igmp")) {
      const message = igmp.parse(view, node.offset, node.offset + node.length)!;
      expectSame("igmp", view, node, compose([{ igmp: message }]));
    }
    expect(rewritten).toEqual({ ip: 49, tcp: 10, icmpv6: 11, igmp: 6 });
  });
});

describe("IPv4", () => {
  const header = (options: readonly ipv4.Ipv4Option[]): DataView =>
    viewOf(compose([{ ipv4: { source: 1, destination: 2, protocol: 17, options } }]));
  const raw = (type: number, ...data: number[]): ipv4.Ipv4Option => ({
    kind: "unknown",
    type,
    data: Uint8Array.from(data),
  });

  test("P25 RFC 1624 eqn. 3: decrementTtl keeps the checksum right for any header", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.integer({ min: 1, max: 255 }), (bytes, ttl) => {
        const view = viewOf(bytes);
        bytes[0] = 0x45;
        ipv4.setTtl(view, 0, ttl);
        ipv4.updateChecksum(view, 0);
        expect(ipv4.isChecksumValid(view, 0)).toBe(true);
        expect(ipv4.decrementTtl(view, 0)).toBe(ttl - 1);
        expect(ipv4.ttl(view, 0)).toBe(ttl - 1);
        expect(ipv4.isChecksumValid(view, 0)).toBe(true);
      }),
    );
  });

  test.each<[string, readonly ipv4.Ipv4Option[], number]>([
    ["none", [], -1],
    ["a good record route", [{ kind: "rr", pointer: 4, route: [0] }], -1],
    ["an unknown option", [raw(0x1f, 1)], -1],
    ["a pointer before the first address", [raw(7, 3, 0, 0, 0, 0)], 22],
    ["a record route without pointer", [raw(7)], 21],
    ["a timestamp with pointer 4", [raw(68, 4, 0, 0, 0, 0, 0)], 22],
    ["a timestamp of unknown flag", [raw(68, 5, 2, 0, 0, 0, 0)], 23],
    [
      "two record routes",
      [
        { kind: "rr", pointer: 4, route: [0] },
        { kind: "rr", pointer: 4, route: [0] },
      ],
      27,
    ],
    [
      "both source routes",
      [
        { kind: "lsrr", pointer: 4, route: [0] },
        { kind: "ssrr", pointer: 4, route: [0] },
      ],
      27,
    ],
    ["a short router alert", [raw(148, 0)], 21],
  ])("P26 RFC 1122 §3.2.1.8: the pointer to the fault of %s", (_, options, pointer) => {
    expect(ipv4.findOptionFault(header(options), 0)).toBe(pointer);
  });

  test("P26 an option whose length is 0, 1 or past the header is at fault itself", () => {
    for (const length of [0, 1, 9, 255]) {
      const view = header([raw(0x1f, 1, 2, 3, 4, 5, 6)]);
      view.setUint8(21, length);
      expect(ipv4.findOptionFault(view, 0)).toBe(20);
      expect(ipv4.parseOptions(view, 0)).toEqual([]);
      expect(ipv4.findOption(view, 0, 7)).toBe(-1);
    }
  });

  test("P26 findOption stops at the end of the list", () => {
    const view = header([{ kind: "nop" }, { kind: "end" }, { kind: "router-alert", value: 0 }]);
    expect(ipv4.findOption(view, 0, ipv4.OPTION_NOP)).toBe(20);
    expect(ipv4.findOption(view, 0, ipv4.OPTION_ROUTER_ALERT)).toBe(-1);
  });

  test("P26 more than 40 bytes of options are the caller's mistake", () => {
    const options: ipv4.Ipv4Option[] = [{ kind: "rr", pointer: 4, route: Array.from({ length: 10 }, () => 0) }];
    expect(() => header(options)).toThrow(expect.objectContaining({ argument: "options" }));
  });

  test.each<[string, (view: DataView) => void, string]>([
    ["version 5", (v) => v.setUint8(0, 0x55), "bad-version"],
    ["IHL 4", (v) => v.setUint8(0, 0x44), "bad-length"],
    ["a total length below the header's", (v) => ipv4.setTotalLength(v, 0, 19), "bad-length"],
    ["a total length past the end", (v) => ipv4.setTotalLength(v, 0, 21), "truncated"],
  ])("P21 RFC 791 §3.1: %s is %s", (_, spoil, fault) => {
    const view = header([]);
    expect(ipv4.check(view, 0, 20)).toBeUndefined();
    spoil(view);
    expect(ipv4.check(view, 0, 20)).toBe(fault);
  });
});

describe("TCP options", () => {
  const option: fc.Arbitrary<tcp.TcpOption> = fc.oneof(
    fc.constant<tcp.TcpOption>({ kind: "nop" }),
    fc.constant<tcp.TcpOption>({ kind: "sack-permitted" }),
    fc.record({ kind: fc.constant("mss" as const), value: fc.nat(0xffff) }),
    fc.record({ kind: fc.constant("window-scale" as const), shift: fc.nat(14) }),
    fc.record({ kind: fc.constant("timestamps" as const), value: fc.nat(0xffff_ffff), echoReply: fc.nat(0xffff_ffff) }),
    fc.record({
      kind: fc.constant("sack" as const),
      blocks: fc.array(fc.record({ left: fc.nat(0xffff_ffff), right: fc.nat(0xffff_ffff) }), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
    fc.record({ kind: fc.constant("fast-open" as const), cookie: fc.uint8Array({ minLength: 4, maxLength: 4 }) }),
    fc.record({
      kind: fc.constant("unknown" as const),
      type: fc.integer({ min: 100, max: 255 }),
      data: fc.uint8Array({ maxLength: 6 }),
    }),
  );
  const fits = (options: readonly tcp.TcpOption[]): boolean => {
    try {
      return tcp.optionsLength(options) <= 40;
    } catch {
      return false;
    }
  };
  const segment = (options: readonly tcp.TcpOption[]): DataView => {
    const view = new DataView(new ArrayBuffer(64));
    tcp.write(view, 2, { sourcePort: 1, destinationPort: 2, sequence: 3, flags: tcp.ACK, window: 4, options });
    return view;
  };

  test("P27 RFC 9293 §3.2: any list that fits is read back, with the padding as end of list", () => {
    fc.assert(
      fc.property(fc.array(option, { maxLength: 8 }).filter(fits), (options) => {
        const read = tcp.parseOptions(segment(options), 2);
        expect(read.fault).toBeUndefined();
        expect(read.options.filter((o) => o.kind !== "end")).toEqual(options);
      }),
      { numRuns: 500 },
    );
  });

  test("P27 readOptions says the same as parseOptions, and forgets the segment before", () => {
    const into = tcp.newOptionsReceived();
    fc.assert(
      fc.property(fc.array(option, { maxLength: 8 }).filter(fits), (options) => {
        tcp.readOptions(segment(options), 2, into);
        const last = <K extends tcp.TcpOption["kind"]>(kind: K): Extract<tcp.TcpOption, { kind: K }> | undefined =>
          options.filter((o): o is Extract<tcp.TcpOption, { kind: K }> => o.kind === kind).at(-1);
        expect(into.mss).toBe(last("mss")?.value ?? 0);
        expect(into.windowScale).toBe(last("window-scale")?.shift ?? -1);
        expect(into.sackPermitted).toBe(last("sack-permitted") !== undefined);
        expect(into.hasTimestamps).toBe(last("timestamps") !== undefined);
        if (into.hasTimestamps) {
          expect([into.timestampValue, into.timestampEchoReply]).toEqual([
            last("timestamps")!.value,
            last("timestamps")!.echoReply,
          ]);
        }
        const edges = (last("sack")?.blocks ?? []).flatMap(({ left, right }) => [left, right]);
        expect([...into.sackEdges.subarray(0, into.sackCount * 2)]).toEqual(edges);
        expect(into.fastOpenLength).toBe(last("fast-open")?.cookie.length ?? 0);
      }),
      { numRuns: 500 },
    );
  });

  test("P27 RFC 7323 §2.3: a shift above 14 is taken as 14", () => {
    const into = tcp.newOptionsReceived();
    tcp.readOptions(segment([{ kind: "window-scale", shift: 15 }]), 2, into);
    expect(into.windowScale).toBe(14);
  });

  test("P27 a malformed option ends the reading and what came before counts", () => {
    const view = segment([{ kind: "mss", value: 1400 }, { kind: "window-scale", shift: 3 }, { kind: "nop" }]);
    view.setUint8(2 + 20 + 5, 0);
    const into = tcp.newOptionsReceived();
    tcp.readOptions(view, 2, into);
    expect([into.mss, into.windowScale]).toEqual([1400, -1]);
    expect(tcp.parseOptions(view, 2)).toEqual({ options: [{ kind: "mss", value: 1400 }], fault: "bad-option" });
    expect(tcp.findOption(view, 2, tcp.OPTION_MSS)).toBe(22);
    expect(tcp.findOption(view, 2, tcp.OPTION_WINDOW_SCALE)).toBe(26);
    expect(tcp.findOption(view, 2, tcp.OPTION_TIMESTAMPS)).toBe(-1);
  });

  test("P27 more than 40 bytes are the caller's mistake", () => {
    const blocks = Array.from({ length: 5 }, () => ({ left: 0, right: 1 }));
    expect(() => segment([{ kind: "sack", blocks }])).toThrow(expect.objectContaining({ argument: "options" }));
  });
});

describe("IPv6 extension headers", () => {
  const addresses = { source: parseIpv6("2001:db8::1"), destination: parseIpv6("2001:db8::2") };

  test("P24 RFC 8200 §4: the walk names each header and stops at the upper layer", () => {
    const packet = compose([
      { ipv6: addresses },
      { hopByHop: { options: [{ kind: "router-alert", value: 0 }] } },
      { destinationOptions: { options: [] } },
      { routing: { type: 4, segmentsLeft: 0, data: new Uint8Array(20) } },
      { fragment: { fragmentOffset: 0, moreFragments: true, identification: 1 } },
      { authentication: { spi: 1, sequence: 1, icv: new Uint8Array(12) } },
      { destinationOptions: { options: [] } },
      { udp: { sourcePort: 1, destinationPort: 2 } },
    ]);
    expect(ipv6.walkExtensions(viewOf(packet), 0, packet.length)).toEqual({
      protocol: 17,
      at: 120,
      protocolAt: 112,
      count: 6,
      hopByHopAt: 40,
      routingAt: 56,
      fragmentAt: 80,
      destinationAt: 112,
      authenticationAt: 88,
      isLaterFragment: false,
      fault: undefined,
    } satisfies ipv6.Ipv6Chain);
  });

  test("P24 RFC 8200 §4.5: it stops behind the fragment header of a later fragment", () => {
    const packet = compose([
      { ipv6: addresses },
      { fragment: { fragmentOffset: 8, moreFragments: false, identification: 1, nextHeader: 60 } },
      new Uint8Array(8).fill(0xff),
    ]);
    const chain = ipv6.walkExtensions(viewOf(packet), 0, packet.length);
    expect(chain).toMatchObject({ isLaterFragment: true, protocol: 60, at: 48, fault: undefined });
  });

  test("P24 a header that goes past the end is truncated, a second fragment header is bad-order", () => {
    const cut = compose([{ ipv6: addresses }, { destinationOptions: { options: [{ kind: "padn", length: 14 }] } }]);
    expect(ipv6.walkExtensions(viewOf(cut), 0, cut.length - 1).fault).toBe("truncated");
    const fragment = { fragment: { fragmentOffset: 0, moreFragments: true, identification: 1 } };
    const twice = compose([{ ipv6: addresses }, fragment, fragment]);
    expect(ipv6.walkExtensions(viewOf(twice), 0, twice.length).fault).toBe("bad-order");
  });

  test("P28 RFC 8200 §4.2: options are padded to 8 bytes and read back", () => {
    const options: ipv6.Ipv6Option[] = [
      { kind: "router-alert", value: ipv6.ROUTER_ALERT_MLD },
      { kind: "jumbo", payloadLength: 70_000 },
      { kind: "tunnel-encapsulation-limit", limit: 4 },
      { kind: "home-address", address: parseIpv6("2001:db8::5") },
      { kind: "unknown", type: 0x8a, data: Uint8Array.of(1, 2) },
    ];
    for (let count = 0; count <= options.length; count++) {
      const some = options.slice(0, count);
      const length = ipv6.extensionOptionsLength(some);
      expect(length % 8).toBe(0);
      const view = new DataView(new ArrayBuffer(length));
      expect(ipv6.writeExtensionOptions(view, 0, 17, some)).toBe(length);
      const read = ipv6.parseExtensionOptions(view, 0, length);
      expect(read.fault).toBeUndefined();
      expect(read.options.filter((option) => option.kind !== "pad1" && option.kind !== "padn")).toEqual(some);
    }
    const view = new DataView(new ArrayBuffer(40));
    ipv6.writeExtensionOptions(view, 0, 17, options);
    expect(ipv6.findExtensionOption(view, 0, ipv6.OPTION_JUMBO)).toBe(6);
    expect(ipv6.findExtensionOption(view, 0, 0x77)).toBe(-1);
    expect(ipv6.parseExtensionOptions(view, 0, 32).fault).toBe("truncated");
    view.setUint8(3, 200);
    expect(ipv6.parseExtensionOptions(view, 0, 40)).toEqual({ options: [], fault: "bad-option" });
  });

  test("P28 RFC 8200 §4.2: what to do with an unknown option", () => {
    expect([0x3e, 0x7e, 0xbe, 0xfe].map(ipv6.unknownOptionAction)).toEqual([
      "skip",
      "discard",
      "discard-icmp",
      "discard-icmp-unicast",
    ]);
  });
});

describe("ND options", () => {
  test("P29 RFC 4861 §4.6: an option of length 0 makes the message bad-option", () => {
    const message: nd.NdMessage = {
      type: "router-solicitation",
      options: [
        { kind: "source-link-layer", mac: 2 },
        { kind: "mtu", mtu: 9 },
      ],
    };
    const view = new DataView(new ArrayBuffer(nd.lengthOf(message)));
    nd.write(view, 0, message);
    expect(nd.check(view, 0, 24)).toBeUndefined();
    expect(nd.linkLayerAddress(view, nd.findOption(view, 8, 24, nd.OPTION_SOURCE_LINK_LAYER))).toBe(2);
    view.setUint8(17, 0);
    expect(nd.check(view, 0, 24)).toBe("bad-option");
    expect(nd.findOptionFault(view, 8, 24)).toBe(16);
    expect(nd.findOption(view, 8, 24, nd.OPTION_MTU)).toBe(-1);
    expect(nd.parse(view, 0, 24)).toBeUndefined();
  });

  test("P29 an option of a known kind with a wrong length is unknown", () => {
    const options: nd.NdOption[] = [{ kind: "unknown", type: nd.OPTION_MTU, data: new Uint8Array(14) }];
    const view = new DataView(new ArrayBuffer(16));
    nd.writeOptions(view, 0, options);
    expect(nd.parseOptions(view, 0, 16)).toEqual(options);
  });

  test.each([0, 48, 64, 96, 128])(
    "P29 RFC 4191 §2.3: route information of prefix length %i is as short as it may be",
    (prefixLength) => {
      const prefix = prefixLength === 0 ? parseIpv6("::") : parseIpv6("2001:db8::");
      const option: nd.NdOption = { kind: "route-information", prefix, prefixLength, preference: 3, lifetime: 9 };
      const length = nd.optionsLength([option]);
      expect(length).toBe(prefixLength === 0 ? 8 : prefixLength <= 64 ? 16 : 24);
      const view = new DataView(new ArrayBuffer(length));
      nd.writeOptions(view, 0, [option]);
      expect(nd.parseOptions(view, 0, length)).toEqual([option]);
    },
  );
});

describe("group records", () => {
  test("P29 RFC 3376 §4.1.1 and RFC 3810 §5.1.3: the codes are a floating point that never rounds up", () => {
    for (let code = 0; code < 256; code++) expect(encodeFloat8(decodeFloat8(code))).toBe(code);
    for (let code = 0; code < 65_536; code += 7) expect(encodeFloat16(decodeFloat16(code))).toBe(code);
    expect([decodeFloat8(0x80), decodeFloat8(0xff), decodeFloat16(0x8000), decodeFloat16(0xffff)]).toEqual([
      128, 31_744, 32_768, 8_387_584,
    ]);
    fc.assert(
      fc.property(fc.nat(31_743), fc.nat(8_387_583), (small, large) => {
        const floor8 = decodeFloat8(encodeFloat8(small));
        const floor16 = decodeFloat16(encodeFloat16(large));
        expect(floor8 <= small && small - floor8 <= small / 16).toBe(true);
        expect(floor16 <= large && large - floor16 <= large / 4096).toBe(true);
      }),
    );
    expect([encodeFloat8(1e9), encodeFloat16(1e9)]).toEqual([0xff, 0xffff]);
  });

  test("P29 the version of a query is known by its length (RFC 3376 §7.1, RFC 3810 §8.1)", () => {
    const view = new DataView(new ArrayBuffer(28));
    expect([igmp.queryVersion(view, 0, 8), igmp.queryVersion(view, 0, 12)]).toEqual([1, 3]);
    view.setUint8(1, 100);
    expect(igmp.queryVersion(view, 0, 8)).toBe(2);
    expect([mld.queryVersion(24), mld.queryVersion(28)]).toEqual([1, 2]);
    igmp.write(view, 0, { type: igmp.MEMBERSHIP_QUERY, group: 0 });
    expect(igmp.check(view, 0, 10)).toBe("bad-length");
    mld.write(view, 0, { type: 130, group: parseIpv6("::") });
    expect(mld.check(view, 0, 26)).toBe("bad-length");
  });
});
