import fc from "fast-check";
import { igmp, ipv4, parseIpv4, formatIpv4 } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { fromHex, LinkWorld, recorded, toHex, type SentFrame } from "./link-world.ts";

const QUIET = { "net.ipv6.conf.eth0.disable_ipv6": 1 };

interface Step {
  readonly step: string;
  readonly frames: readonly { readonly ms: number; readonly frame: string }[];
}

function isIgmp({ bytes }: SentFrame): boolean {
  return bytes[12] === 8 && bytes[13] === 0 && bytes[23] === 2;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function summary(bytes: Uint8Array): string {
  const view = viewOf(bytes);
  const at = 14 + ipv4.headerLength(view, 14);
  const end = 14 + ipv4.totalLength(view, 14);
  const front = `${toHex(bytes.subarray(0, 6))} ${formatIpv4(ipv4.destination(view, 14))} ttl ${ipv4.ttl(view, 14)} tos ${ipv4.tos(view, 14)}`;
  const options = toHex(bytes.subarray(34, at));
  if (igmp.type(view, at) !== igmp.V3_MEMBERSHIP_REPORT) {
    return `${front} ${options} type ${igmp.type(view, at)} ${formatIpv4(igmp.group(view, at))}`;
  }
  const records = igmp.parseReport(view, at, end)!;
  const said = records.map(
    ({ type, group, sources }) => `${type} ${formatIpv4(group)} [${sources.map(formatIpv4).sort().join(" ")}]`,
  );
  return `${front} ${options} v3 ${said.sort().join(", ")}`;
}

/** A query in a frame; version 3 unless said otherwise. `code`: tenths of a second. */
function query(group: string, code: number, sources: string[] = [], version = 3): Uint8Array {
  const body = new Uint8Array(version === 3 ? 12 + 4 * sources.length : 8);
  const inner = viewOf(body);
  if (version === 3) {
    igmp.writeQuery(inner, 0, {
      group: parseIpv4(group),
      maxResponseTime: code,
      suppressRouterProcessing: false,
      robustness: 2,
      queryInterval: 125,
      sources: sources.map(parseIpv4),
    });
  } else igmp.write(inner, 0, { type: igmp.MEMBERSHIP_QUERY, maxResponseTime: code, group: parseIpv4(group) });
  return frame(body, group === "0.0.0.0" ? "224.0.0.1" : group);
}

function frame(body: Uint8Array, to: string, fixChecksum = true): Uint8Array {
  const destination = parseIpv4(to);
  const bytes = new Uint8Array(14 + 24 + body.length);
  const view = viewOf(bytes);
  bytes.set(fromHex(`01005e${(destination & 0x7f_ffff).toString(16).padStart(6, "0")}0200000000990800`));
  ipv4.write(view, 14, {
    totalLength: 24 + body.length,
    identification: 0,
    ttl: 1,
    protocol: 2,
    source: parseIpv4("10.9.0.99"),
    destination,
    options: [{ kind: "router-alert", value: 0 }],
  });
  bytes.set(body, 38);
  if (fixChecksum) {
    bytes.set([0, 0], 40);
    let sum = 0;
    for (let i = 38; i < bytes.length; i += 2) sum += ((bytes[i] as number) << 8) + (bytes[i + 1] ?? 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(40, ~sum & 0xffff);
  }
  return bytes;
}

function ready(): LinkWorld {
  const w = new LinkWorld({ sysctls: QUIET });
  w.addV4("10.9.0.1/24");
  w.run(3000);
  w.take();
  return w;
}

describe("N60 IGMPv3 and its predecessors, step by step as the recorded kernel (igmpv3, RFC 3376 §5, §7)", () => {
  const steps = recorded("igmpv3") as readonly Step[];
  test("N60 every report has the content of the kernel's, in the same number", () => {
    const w = ready();
    const { groups } = w.iface.v4;
    const [a, b] = [{}, {}];
    const ip = parseIpv4;
    const s = ip("232.1.1.1");
    const actions: Record<string, () => void> = {
      "join 239.1.2.3": () => groups.join(a, ip("239.1.2.3")),
      "second socket joins": () => groups.join(b, ip("239.1.2.3")),
      "first socket leaves": () => groups.leave(a, ip("239.1.2.3")),
      "second socket leaves": () => groups.leave(b, ip("239.1.2.3")),
      "join 232.1.1.1 from 10.1.0.1": () => groups.setFilter(a, s, "include", [ip("10.1.0.1")]),
      "and from 10.1.0.2": () => groups.setFilter(a, s, "include", [ip("10.1.0.1"), ip("10.1.0.2")]),
      "general query, 1 s": () => w.receive(query("0.0.0.0", 10)),
      "group query, 1 s": () => w.receive(query("232.1.1.1", 10)),
      "group and source query, 1 s": () => w.receive(query("232.1.1.1", 10, ["10.1.0.2", "10.1.0.9"])),
      "drops source 10.1.0.1": () => groups.setFilter(a, s, "include", [ip("10.1.0.2")]),
      "drops source 10.1.0.2": () => groups.setFilter(a, s, "include", []),
      "IGMPv2 query, 1 s": () => {
        groups.join(a, ip("239.9.9.9"));
        w.run(2200);
        w.receive(query("0.0.0.0", 10, [], 2));
      },
      "IGMPv2 leave": () => groups.leave(a, ip("239.9.9.9")),
      "IGMPv2 join": () => groups.join(a, ip("239.9.9.8")),
      "IGMPv1 query": () => w.receive(query("0.0.0.0", 0, [], 1)),
      "IGMPv1 join": () => groups.join(a, ip("239.9.9.7")),
      "IGMPv1 leave": () => groups.leave(a, ip("239.9.9.7")),
    };
    const waits: Record<string, number> = {
      "IGMPv2 leave": 1000,
      "IGMPv2 join": 1,
      "IGMPv1 query": 1,
      "IGMPv1 join": 1,
      "IGMPv1 leave": 1,
    };
    for (const { step, frames } of steps) {
      expect(actions[step], step).toBeDefined();
      actions[step]?.();
      w.run(waits[step] ?? 2600);
      const ours = w.take(isIgmp).map(({ bytes }) => summary(bytes));
      expect([step, ...ours]).toEqual([step, ...frames.map((each) => summary(fromHex(each.frame)))]);
    }
    w.down();
    expect(w.inUse).toBe(0);
  });

  test("N60 the composed report is the kernel's but for the IP header's identification", () => {
    const w = ready();
    w.iface.v4.groups.join({}, parseIpv4("239.1.2.3"));
    w.run(1);
    const ours = w.take(isIgmp)[0]!.bytes;
    const theirs = fromHex(steps[0]!.frames[0]!.frame);
    for (const bytes of [ours, theirs]) bytes.fill(0, 18, 20).fill(0, 24, 26);
    expect(toHex(ours)).toBe(toHex(theirs));
  });
});

describe("N61 queries and versions", () => {
  test("N61 RFC 3376 §7.2.1: 400 s of version 1 after its query, robustness × interval of version 2 after its", () => {
    const w = ready();
    const reporter = w.layers.igmp.of(w.iface)!;
    w.receive(query("0.0.0.0", 10, [], 2));
    expect(reporter.mode).toBe("v2");
    w.receive(query("0.0.0.0", 0, [], 1));
    expect(reporter.mode).toBe("v1");
    w.run(252_000);
    expect(reporter.mode).toBe("v1");
    w.run(148_100);
    expect(reporter.mode).toBe("current");
  });

  test("N61 RFC 2236 §3: a report of another suppresses ours", () => {
    const w = ready();
    w.iface.v4.groups.join({}, parseIpv4("239.1.1.1"));
    w.run(3000);
    w.take();
    w.receive(query("239.1.1.1", 100, [], 2));
    const body = new Uint8Array(8);
    igmp.write(viewOf(body), 0, { type: igmp.V2_MEMBERSHIP_REPORT, group: parseIpv4("239.1.1.1") });
    w.receive(frame(body, "239.1.1.1"));
    w.run(12_000);
    expect(w.take(isIgmp)).toEqual([]);
  });

  test("N61 force_igmp_version 2 reports in version 2 although no router asked", () => {
    const w = ready();
    w.host.sysctls.setText("net.ipv4.conf.eth0.force_igmp_version", "2");
    w.iface.v4.groups.join({}, parseIpv4("239.1.1.1"));
    w.run(20_000);
    const sent = w.take(isIgmp).map(({ bytes }) => summary(bytes));
    expect(sent).toHaveLength(2);
    expect(sent.every((text) => text.includes(" type 22 "))).toBe(true);
  });

  test("N61 224.0.0.1 is never reported, 224.0.0.0/24 unless igmp_link_local_mcast_reports is 0", () => {
    const w = ready();
    w.iface.v4.groups.join({}, parseIpv4("224.0.0.1"));
    w.run(3000);
    expect(w.take(isIgmp)).toEqual([]);
    w.iface.v4.groups.join({}, parseIpv4("224.0.0.251"));
    w.run(3000);
    expect(w.take(isIgmp)).toHaveLength(2);
    w.host.sysctls.setText("net.ipv4.igmp_link_local_mcast_reports", "0");
    w.iface.v4.groups.join({}, parseIpv4("224.0.0.252"));
    w.run(3000);
    expect(w.take(isIgmp)).toEqual([]);
  });

  test("N61 everything that is joined is told again when the interface comes back", () => {
    const w = ready();
    w.iface.v4.groups.join({}, parseIpv4("239.1.1.1"));
    w.run(3000);
    w.down();
    w.take();
    w.up();
    w.run(3000);
    expect(w.take(isIgmp)).toHaveLength(2);
  });
});

describe("N62 hostile bytes", () => {
  test("N62 a wrong checksum is ICMP_CSUM, a cut message HDR_TRUNC", () => {
    const w = ready();
    const bad = query("0.0.0.0", 10);
    bad[39] = 99;
    w.receive(bad);
    w.receive(frame(new Uint8Array(4), "224.0.0.1"));
    expect(w.drops).toEqual(["ICMP_CSUM", "HDR_TRUNC"]);
  });

  test("N62 mutated messages never throw and leak nothing", () => {
    const w = ready();
    w.iface.v4.groups.join({}, parseIpv4("239.1.1.1"));
    const seeds = [query("0.0.0.0", 10), query("239.1.1.1", 10, ["10.0.0.1"]), query("0.0.0.0", 5, [], 2)].map((each) =>
      each.slice(38),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(20), fc.nat(255)), { maxLength: 4 }),
        fc.nat(24),
        (seed, edits, length) => {
          const body = seed.slice(0, length);
          for (const [at, value] of edits) if (at < body.length) body[at] = value;
          w.receive(frame(body, "224.0.0.1", body.length >= 4));
        },
      ),
      { numRuns: 800 },
    );
    w.run(1000);
    w.down();
    expect(w.inUse).toBe(0);
  });
});
