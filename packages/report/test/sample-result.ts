import { createRandom, type DropReason } from "@seville/core";
import type {
  Distribution,
  DropSeries,
  FlowResult,
  LinkResult,
  LinkSeries,
  PingResult,
  ScenarioResult,
} from "@seville/scenario";

const MS = 1e6;
const SECOND = 1e9;

/** A result as a run of `seconds` would give, with numbers drawn from a seed: for the looks and the size of a report. */
export function sampleResult(seconds = 60, samples = 500): ScenarioResult {
  const random = createRandom("sample");
  const duration = seconds * SECOND;
  const wobble = (mean: number, share: number): number => mean * (1 + share * (2 * random.float() - 1));
  const ends = [
    ["lan", "alice:eth0", "r1:eth0", 3.1e6],
    ["lan", "r1:eth0", "alice:eth0", 0.2e6],
    ["wan", "r1:eth1", "bob:eth0", 2.9e6],
    ["wan", "bob:eth0", "r1:eth1", 0.2e6],
  ] as const;
  const links: LinkSeries[] = ends.map(([link, from, to, rate]) => ({
    link,
    from,
    to,
    throughput: Array.from({ length: samples }, (_, i) => (isCut(i / samples) ? 0 : Math.round(wobble(rate, 0.1)))),
    queuePackets: Array.from({ length: samples }, (_, i) =>
      from === "r1:eth1" ? Math.max(0, Math.round((i % 170) * (i / samples > 0.6 ? 3 : 0.1))) : 0,
    ),
    queueBytes: Array.from({ length: samples }, () => 0),
  }));
  const reasons: DropReason[] = ["LINK_LOSS", "QDISC_DROP", "LINK_PARTITION"];
  const drops: DropSeries[] = reasons.map((reason, r) => ({
    reason,
    packets: Array.from({ length: samples }, (_, i) => {
      if (reason === "LINK_PARTITION") return isCut(i / samples) ? 20 : 0;
      return random.float() < 0.2 / (r + 1) ? Math.floor(random.float() * 8) : 0;
    }),
  }));
  const count = seconds * 10;
  const delays = ["ping-v4", "ping-v6"].map((name, n) => {
    const at = Array.from({ length: count }, (_, i) => Math.round((i * duration) / count));
    const kept = at.filter((time) => !isCut(time / duration));
    return {
      name,
      kind: "rtt" as const,
      at: kept,
      value: kept.map((time) => Math.round(wobble((40 + n * 2) * MS, 0.05) + (time > 0.6 * duration ? 30 * MS : 0))),
      lostAt: at.filter((time) => isCut(time / duration)),
    };
  });
  return {
    format: "seville-result",
    version: 1,
    scenario: {
      name: "sample",
      description: "Two hosts and a router; <b>one</b> link that loses frames, & one that does not.",
      seed: 7,
      duration,
      defaults: "safe",
      overrides: ["links.wan.loss=2%"],
    },
    run: {
      end: "finished",
      endedAt: duration,
      events: 123_456,
      frames: 48_210,
      bytes: 51_234_567,
      traceHash: "0123456789abcdef0123456789abcdef",
      versions: { "@seville/scenario": "0.1.0" },
    },
    topology: {
      nodes: [
        {
          name: "alice",
          kind: "host",
          interfaces: [{ name: "eth0", mac: "02:00:00:00:00:01", addresses: ["10.0.1.2/24"] }],
        },
        { name: "r1", kind: "router", interfaces: [] },
        {
          name: "bob",
          kind: "host",
          interfaces: [{ name: "eth0", mac: "02:00:00:00:00:04", addresses: ["10.0.2.2/24"] }],
        },
      ],
      links: [
        {
          name: "lan",
          ends: ["alice:eth0", "r1:eth0"],
          mtu: 1500,
          parameters: [settings("100mbit", "100us"), settings("100mbit", "100us")],
        },
        {
          name: "wan",
          ends: ["r1:eth1", "bob:eth0"],
          mtu: 1500,
          parameters: [
            { ...settings("10mbit", "20ms"), loss: "2%", queue: "fq_codel" },
            { ...settings("20mbit", "20ms"), loss: "2%" },
          ],
        },
      ],
    },
    hosts: [{ name: "alice", counters: { IpInReceives: 1200, IpOutRequests: 1300, Icmp6InEchoReplies: 590 } }],
    interfaces: [counters("alice", "eth0"), counters("r1", "eth0"), counters("r1", "eth1"), counters("bob", "eth0")],
    links: links.map(({ link, from, to }, i): LinkResult => ({
      link,
      from,
      to,
      offered: 12_000 + i,
      offeredBytes: 12_000_000,
      delivered: link === "wan" ? 11_702 + i : 12_000 + i,
      deliveredBytes: 11_702_000,
      duplicated: 0,
      reordered: 12,
      corrupted: 0,
      inFlight: 0,
      drops: link === "wan" ? { LINK_LOSS: 240, QDISC_DROP: 58 } : {},
      maxQueuePackets: link === "wan" ? 500 : 1,
      maxQueueBytes: 700_000,
      utilisation: 0.31,
    })),
    flows: [flow("upload", duration)],
    pings: delays.map(({ name, value, at, lostAt }): PingResult => ({
      name,
      kind: "icmp",
      from: "alice",
      to: "bob",
      address: "10.0.2.2",
      transmitted: at.length + lostAt.length,
      received: at.length,
      duplicates: 0,
      errors: 0,
      rtt: distribution(value),
    })),
    drops: [
      { place: "r1:eth1", where: "link", reason: "LINK_LOSS", packets: 240 },
      { place: "r1:eth1", where: "link", reason: "QDISC_DROP", packets: 58 },
    ],
    events: [
      { at: 0.3 * duration, label: "partition", kind: "partition" },
      { at: 0.35 * duration, label: "healed", kind: "heal" },
      { at: 0.36 * duration, label: "FQ-CoDel", kind: "set" },
    ],
    series: { interval: duration / samples, samples, links, drops, delays },
    pool: { capacity: 17_536, highWater: 612, before: 0, after: 0, failures: 0 },
    captures: [],
    warnings: ["jitter 2ms is more than the delay 1ms"],
  };
}

function isCut(share: number): boolean {
  return share > 0.3 && share < 0.35;
}

function settings(rate: string, delay: string): { rate: string; delay: string; queue: string } {
  return { rate, delay, queue: "fifo" };
}

function counters(host: string, name: string): ScenarioResult["interfaces"][number] {
  return {
    host,
    name,
    rxPackets: 1200,
    rxBytes: 1.2e6,
    rxErrors: 0,
    rxDropped: 3,
    rxCrcErrors: 0,
    txPackets: 1300,
    txBytes: 1.3e6,
    txErrors: 0,
    txDropped: 0,
  };
}

function flow(name: string, duration: number): FlowResult {
  const values = Array.from({ length: 500 }, (_, i) => 20 * MS + (i % 97) * 0.5 * MS);
  return {
    name,
    kind: "udp",
    from: "alice",
    to: "bob",
    tuple: "10.0.1.2:49152 > 10.0.2.2:5001",
    sent: 12_000,
    sentBytes: 14_400_000,
    received: 11_760,
    receivedBytes: 14_112_000,
    lost: 240,
    duplicated: 3,
    reordered: 12,
    throughput: (14_112_000 * 8) / (duration / SECOND),
    delay: distribution(values),
    jitter: 312_000,
  };
}

function distribution(values: readonly number[]): Distribution {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return {
    count: sorted.length,
    min: at(0),
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    max: sorted.at(-1) ?? 0,
    mdev: MS,
    cdf: Array.from({ length: 100 }, (_, i) => [at((i + 1) / 100), (i + 1) / 100] as const),
  };
}
