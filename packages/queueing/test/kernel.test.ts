import { execFileSync } from "node:child_process";
import { NS_PER_SEC } from "@seville/core";
import { describe, expect } from "vitest";
import { testWith } from "../../../tools/testing/needs.ts";
import { fifo, type FifoOptions, type QdiscStats, tokenBucket } from "../src/index.ts";
import { type Item, item, testAccess } from "./items.ts";

/*
 * The same packets through a Linux tbf on a veth in a network namespace of its own, and through ours. The rate is
 * so low (20 bytes a second) that what the kernel earns while the packets are sent does not matter, which each case checks.
 */

interface Case {
  readonly name: string;
  readonly burst: number;
  /** Child discipline as tc(8) spells it, and ours. Absent: tbf's own FIFO of `limit` bytes. */
  readonly child?: readonly [string, FifoOptions];
  readonly limit: number;
  /** Lengths of the frames, Ethernet header included. */
  readonly lengths: readonly number[];
}

const RATE = 160;
const mixed = [1000, 60, 1400, 300, 777, 60, 1500, 512, 90, 1200, 640, 333, 1499, 128, 256, 1024, 70, 900, 1300, 444];
const CASES: readonly Case[] = [
  { name: "burst and limit, equal frames", burst: 5100, limit: 9050, lengths: new Array<number>(20).fill(1000) },
  { name: "burst and limit, mixed frames", burst: 4500, limit: 5500, lengths: mixed },
  { name: "frames larger than the bucket", burst: 1250, limit: 7000, lengths: mixed },
  { name: "over pfifo", burst: 3000, limit: 1, child: ["pfifo limit 5", { limitPackets: 5 }], lengths: mixed },
  { name: "over bfifo", burst: 3000, limit: 1, child: ["bfifo limit 4100", { limitBytes: 4100 }], lengths: mixed },
  {
    name: "over pfifo_head_drop",
    burst: 2935,
    limit: 1,
    child: ["pfifo_head_drop limit 5", { limitPackets: 5, drop: "head" }],
    lengths: mixed,
  },
];

describe("B8: as the kernel's tbf and its FIFOs do", () => {
  for (const one of CASES) {
    testWith(["root", "linux", "ip"], `B8: ${one.name}`, () => {
      const atOnce = ours(one, 0);
      // What three seconds of tokens would change must not hang on the machine's speed.
      expect(ours(one, 3 * NS_PER_SEC)).toEqual(atOnce);
      expect(kernel(one)).toEqual(atOnce);
    });
  }
});

type Counted = Pick<QdiscStats, "bytes" | "packets" | "drops" | "backlog" | "qlen">;

function ours(one: Case, duration: number): Counted {
  const access = testAccess();
  const child = one.child && { child: fifo<Item>(access, one.child[1]) };
  const queue = tokenBucket(access, { rate: RATE, burst: one.burst, limitBytes: one.limit, ...child });
  one.lengths.forEach((length, i) => {
    const now = (duration * i) / one.lengths.length;
    queue.enqueue(item({ length }), now);
    // The kernel's device takes what it can get after every packet.
    while (queue.dequeue(now) !== undefined);
  });
  const { bytes, packets, drops, backlog, qlen } = queue.stats;
  return { bytes, packets, drops, backlog, qlen };
}

function kernel(one: Case): Counted {
  // An Ethernet, an IPv4 and a UDP header are 42 bytes. head writes in one piece, so that it is one datagram.
  const sends = one.lengths.map((length) => `head -c ${length - 42} /dev/zero > /dev/udp/192.0.2.2/9`);
  const script = [
    "set -e",
    "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6",
    // Without ARP and IPv6 nothing but our packets passes.
    "ip link add d0 type veth peer name d1",
    "ip addr add 192.0.2.1/24 dev d0",
    "ip link set d0 arp off up",
    "ip link set d1 arp off up",
    `tc qdisc add dev d0 root handle 1: tbf rate ${RATE}bit burst ${one.burst} limit ${one.limit}`,
    ...(one.child === undefined ? [] : [`tc qdisc add dev d0 parent 1:1 handle 10: ${one.child[0]}`]),
    ...sends,
    "tc -s -j qdisc show dev d0",
  ];
  const text = execFileSync("unshare", ["--net", "bash", "-c", script.join("\n")], { encoding: "utf8" });
  const [tbf] = (JSON.parse(text) as (Counted & { readonly kind: string })[]).filter(({ kind }) => kind === "tbf");
  if (tbf === undefined) throw new Error(`no tbf in ${text}`);
  const { bytes, packets, drops, backlog, qlen } = tbf;
  return { bytes, packets, drops, backlog, qlen };
}
