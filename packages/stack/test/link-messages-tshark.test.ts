import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nd, parseIpv4, parseIpv6, parseMac } from "@seville/packet";
import { expect } from "vitest";
import { testWith } from "../../../tools/testing/needs.ts";
import { NEIGH_UPDATE_ADMIN, NUD_REACHABLE, NUD_STALE } from "../src/neighbour/nud-state.ts";
import {
  arpFrame,
  HOST_MAC,
  icmp6Frame,
  LinkWorld,
  ndBody,
  OTHER_MAC,
  PEER_MAC,
  type SentFrame,
} from "./link-world.ts";

/** One of everything that this half of the stack composes. */
function composeAll(): SentFrame[] {
  const w = new LinkWorld({ sysctls: { "net.ipv6.conf.eth0.ndisc_notify": 1, "net.ipv4.conf.eth0.arp_notify": 1 } });
  w.addV4("10.9.0.1/24");
  w.addV6("2001:db8::1/64", false);
  w.run(5000);
  const group6 = parseIpv6("ff3e::1");
  w.iface.v6.groups.setFilter({}, group6, "include", [parseIpv6("2001:db8::a"), parseIpv6("2001:db8::b")]);
  w.iface.v4.groups.setFilter({}, parseIpv4("232.1.1.1"), "include", [parseIpv4("10.1.0.1"), parseIpv4("10.1.0.2")]);
  w.iface.v4.groups.join({}, parseIpv4("239.1.1.1"));
  w.run(3000);
  w.sendV4("10.9.0.2");
  w.sendV6("2001:db8::2");
  w.run(4000);
  w.receive(arpFrame(1, PEER_MAC, "10.9.0.7", "00:00:00:00:00:00", "10.9.0.1", "ff:ff:ff:ff:ff:ff"));
  const sllao = { kind: "source-link-layer", mac: parseMac(PEER_MAC) } as const;
  const ask = { type: "neighbor-solicitation", target: parseIpv6("2001:db8::1"), options: [sllao] } as const;
  w.receive(
    icmp6Frame({ source: "2001:db8::7", destination: "ff02::1:ff00:1", body: ndBody(nd.write, nd.lengthOf, ask) }),
  );
  const { table } = w.layers.nd;
  const { device } = w.layers.nd.of(w.iface)!.neighbours;
  table.update(table.create(device, parseIpv6("fe80::77"))!, parseMac(OTHER_MAC), NUD_STALE, NEIGH_UPDATE_ADMIN);
  table.update(table.create(device, parseIpv6("2001:db8::7"))!, parseMac(PEER_MAC), NUD_REACHABLE, NEIGH_UPDATE_ADMIN);
  w.host.sysctls.setText("net.ipv6.conf.eth0.forwarding", "1");
  const body = ndBody(nd.write, nd.lengthOf, { type: "router-solicitation" });
  const packet = w.pool.from(icmp6Frame({ source: "2001:db8::7", destination: "2001:db8:f::1", body }).subarray(14))!;
  packet.networkHeader = packet.data;
  w.layers.nd.redirect(w.iface, packet, parseIpv6("fe80::77"));
  packet.release();
  w.layers.nd.advertise(w.iface, {
    managed: true,
    preference: 1,
    linkMtu: 1400,
    prefixes: [{ prefix: parseIpv6("2001:db8:1::"), prefixLength: 64 }],
    routes: [{ prefix: parseIpv6("2001:db8:2::"), prefixLength: 48 }],
    dnsServers: [parseIpv6("2001:db8::53")],
    pref64: { prefix: parseIpv6("64:ff9b::"), prefixLength: 96 },
  });
  w.run(100);
  w.host.sysctls.setText("net.ipv6.conf.eth0.force_mld_version", "1");
  w.host.sysctls.setText("net.ipv4.conf.eth0.force_igmp_version", "2");
  const user = {};
  w.iface.v6.groups.join(user, parseIpv6("ff0e::5"));
  w.iface.v4.groups.join(user, parseIpv4("239.5.5.5"));
  w.run(20_000);
  w.iface.v6.groups.leave(user, parseIpv6("ff0e::5"));
  w.iface.v4.groups.leave(user, parseIpv4("239.5.5.5"));
  const sent = w.take();
  w.down();
  expect(w.inUse).toBe(0);
  return sent;
}

/** A pcap file (microseconds) of `frames`. */
function pcap(frames: readonly SentFrame[]): Uint8Array {
  const bytes = new Uint8Array(24 + frames.reduce((sum, frame) => sum + 16 + frame.bytes.length, 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0xa1b2_c3d4);
  view.setUint16(4, 2);
  view.setUint16(6, 4);
  view.setUint32(16, 65_535);
  view.setUint32(20, 1);
  let at = 24;
  for (const frame of frames) {
    view.setUint32(at, Math.floor(frame.ms / 1000));
    view.setUint32(at + 4, Math.floor((frame.ms % 1000) * 1000));
    view.setUint32(at + 8, frame.bytes.length);
    view.setUint32(at + 12, frame.bytes.length);
    bytes.set(frame.bytes, at + 16);
    at += 16 + frame.bytes.length;
  }
  return bytes;
}

const FIELDS = [
  "frame.number",
  "arp.opcode",
  "arp.src.proto_ipv4",
  "arp.dst.proto_ipv4",
  "ip.dst",
  "ip.ttl",
  "ip.checksum.status",
  "ipv6.src",
  "ipv6.dst",
  "ipv6.hlim",
  "ipv6.opt.router_alert",
  "icmpv6.type",
  "icmpv6.checksum.status",
  "icmpv6.nd.ns.target_address",
  "icmpv6.nd.na.flag.s",
  "icmpv6.nd.na.flag.o",
  "icmpv6.rd.na.destination_address",
  "icmpv6.opt.linkaddr",
  "icmpv6.opt.nonce",
  "icmpv6.opt.mtu",
  "icmpv6.opt.prefix",
  "icmpv6.opt.rdnss",
  "icmpv6.mldr.mar.record_type",
  "icmpv6.mldr.mar.nb_sources",
  "igmp.type",
  "igmp.maddr",
  "igmp.record_type",
  "igmp.checksum.status",
  "_ws.expert.message",
] as const;
type Field = (typeof FIELDS)[number];
type Row = Record<Field, string>;

/** What must be there at least so often, by the values of fields. */
const EXPECTED: readonly (readonly [Partial<Record<Field, string>>, number])[] = [
  [{ "arp.opcode": "1", "arp.dst.proto_ipv4": "10.9.0.2" }, 3],
  [{ "arp.opcode": "2", "arp.src.proto_ipv4": "10.9.0.1" }, 1],
  [{ "icmpv6.type": "135", "ipv6.src": "::" }, 2],
  [{ "icmpv6.type": "135", "icmpv6.nd.ns.target_address": "2001:db8::2", "icmpv6.opt.linkaddr": HOST_MAC }, 3],
  [{ "icmpv6.type": "136", "icmpv6.nd.na.flag.s": "1", "ipv6.dst": "2001:db8::7" }, 1],
  [{ "icmpv6.type": "136", "icmpv6.nd.na.flag.o": "1", "ipv6.dst": "ff02::1" }, 2],
  [{ "icmpv6.type": "133", "ipv6.hlim": "255" }, 1],
  [{ "icmpv6.type": "137", "icmpv6.rd.na.destination_address": "2001:db8:f::1" }, 1],
  [
    {
      "icmpv6.type": "134",
      "icmpv6.opt.mtu": "1400",
      "icmpv6.opt.prefix": "2001:db8:1::",
      "icmpv6.opt.rdnss": "2001:db8::53",
    },
    1,
  ],
  [{ "icmpv6.type": "143", "icmpv6.mldr.mar.record_type": "5", "icmpv6.mldr.mar.nb_sources": "2" }, 2],
  [{ "icmpv6.type": "131", "ipv6.hlim": "1", "ipv6.opt.router_alert": "0" }, 2],
  [{ "icmpv6.type": "132", "ipv6.dst": "ff02::2" }, 1],
  [{ "igmp.type": "0x22", "igmp.record_type": "5", "ip.ttl": "1" }, 2],
  [{ "igmp.type": "0x16", "igmp.maddr": "239.5.5.5" }, 2],
  [{ "igmp.type": "0x17", "ip.dst": "224.0.0.2" }, 1],
];

testWith(
  ["tshark"],
  "N80 tshark reads every composed message as what it is, with right checksums and no complaint",
  () => {
    const frames = composeAll();
    const folder = mkdtempSync(join(tmpdir(), "seville-link-"));
    try {
      const file = join(folder, "link.pcap");
      writeFileSync(file, pcap(frames));
      const shown = execFileSync(
        "tshark",
        [
          "-o",
          "ip.check_checksum:TRUE",
          "-r",
          file,
          "-T",
          "fields",
          "-E",
          "separator=|",
          ...FIELDS.flatMap((name) => ["-e", name]),
        ],
        { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
      );
      const rows = shown
        .trimEnd()
        .split("\n")
        .map((line) => Object.fromEntries(line.split("|").map((value, i) => [FIELDS[i], value])) as Row);
      expect(rows).toHaveLength(frames.length);
      // What is wrong, first: a checksum (status 0 is bad, 1 good), a malformed or unexpected field.
      for (const row of rows) {
        for (const name of ["icmpv6.checksum.status", "igmp.checksum.status", "ip.checksum.status"] as const) {
          expect([row["frame.number"], name, !row[name].split(",").includes("0")]).toEqual([
            row["frame.number"],
            name,
            true,
          ]);
        }
        expect([row["frame.number"], row["_ws.expert.message"]]).toEqual([row["frame.number"], ""]);
      }
      for (const [wanted, count] of EXPECTED) {
        const found = rows.filter((row) =>
          Object.entries(wanted).every(([name, value]) => row[name as Field].split(",").includes(value)),
        );
        expect([wanted, found.length >= count]).toEqual([wanted, true]);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
