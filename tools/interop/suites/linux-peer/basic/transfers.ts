import type { World } from "../../../../../packages/scenario/src/index.ts";
import { check } from "../../../lib/suite.ts";
import { iperf } from "./iperf.ts";
import { RIGHT, WAN_RATE } from "./topology.ts";
import { defineCases, type GuestCase, type TwoGuests } from "./two-guests.ts";

/** Of a frame of 1400 bytes of IP with Ethernet's 38: what is left for TCP with timestamps over IPv4 or IPv6. */
const GOODPUT = { ipv4: (1400 - 52) / (1400 + 38), ipv6: (1400 - 72) / (1400 + 38) };

async function tcp(
  family: "ipv4" | "ipv6",
  reverse: boolean,
  { left, right }: TwoGuests,
  quick: boolean,
): Promise<string> {
  const most = WAN_RATE * GOODPUT[family];
  const report = await iperf(right, left, RIGHT[family], `-t ${quick ? 3 : 8}${reverse ? " -R" : ""}`);
  const { bits_per_second: rate = 0 } = report.end.sum_received ?? {};
  const told = `${(rate / 1e6).toFixed(1)} Mbit/s of ${(most / 1e6).toFixed(1)}`;
  check(rate <= most * 1.02, "no more than the link carries", told);
  // In quick runs slow start takes a good part of the time.
  check(rate >= most * (quick ? 0.5 : 0.75), "most of what the link carries", told);
  return told;
}

/** Frames that the link between the routers lost so far, from left to right. */
function lost(world: World): number {
  return world.links.get("wan")?.link.stats("aToB").dropped.LINK_LOSS ?? 0;
}

export const transferCases: readonly GuestCase[] = defineCases([
  { name: "iperf3 TCP, left to right, IPv4", quick: true, run: (bench, { quick }) => tcp("ipv4", false, bench, quick) },
  { name: "iperf3 TCP, right to left, IPv4", quick: true, run: (bench, { quick }) => tcp("ipv4", true, bench, quick) },
  { name: "iperf3 TCP, left to right, IPv6", run: (bench, { quick }) => tcp("ipv6", false, bench, quick) },
  { name: "iperf3 TCP, right to left, IPv6", run: (bench, { quick }) => tcp("ipv6", true, bench, quick) },
  {
    name: "iperf3 UDP, 10 Mbit/s: every datagram arrives",
    quick: true,
    async run({ left, right }, { quick }) {
      const report = await iperf(right, left, RIGHT.ipv4, `-u -b 10M -l 1200 -t ${quick ? 2 : 8}`);
      const { packets = 0, lost_packets: missing = -1 } = report.end.sum ?? {};
      check(packets > 1500 && missing === 0, "none of more than 1500 lost", `${missing} of ${packets}`);
      return `${packets} datagrams, none lost`;
    },
  },
  {
    name: "iperf3 UDP with 5 % loss: the guest misses what our link dropped, to a packet",
    async run({ left, right, world }) {
      world.setLink("wan", { loss: "5%" }, "aToB");
      const before = lost(world);
      try {
        const report = await iperf(right, left, RIGHT.ipv4, "-u -b 10M -l 1200 -t 8");
        const { packets = 0, lost_packets: missing = -1 } = report.end.sum ?? {};
        const dropped = lost(world) - before;
        // The control connection's segments are dropped as well, and the last datagrams' loss is invisible to the receiver.
        check(
          missing <= dropped && missing >= dropped - 12,
          "as many missing as dropped, but for control segments",
          `${missing} missing, ${dropped} dropped`,
        );
        const share = missing / packets;
        check(share > 0.04 && share < 0.06, "5 % within 1 %", `${missing} of ${packets}`);
        return `${missing} of ${packets} missing, ${dropped} frames dropped by the link`;
      } finally {
        world.setLink("wan", { loss: "0%" }, "aToB");
      }
    },
  },
  {
    name: "TCP with 1 % loss, 25 ms and reordering: 4 MB arrive unharmed",
    async run({ left, right, world }) {
      world.setLink("wan", { loss: "1%", delay: "25ms", reorder: "2%" });
      try {
        await right.expect("rm -f /tmp/in; socat -u TCP-LISTEN:9000,reuseaddr CREATE:/tmp/in & sleep 0.3");
        const sent = await left.expect(
          `head -c 4000000 /dev/urandom >/tmp/out; socat -u FILE:/tmp/out TCP:${RIGHT.ipv4}:9000; sha256sum </tmp/out`,
          120_000,
        );
        const got = await right.expect("wait; sha256sum </tmp/in", 60_000);
        check(got === sent, "the same bytes", `sent ${sent}\ngot  ${got}`);
        return `SHA-256 ${sent.slice(0, 12)}… on both sides`;
      } finally {
        world.setLink("wan", { loss: "0%", delay: "10ms", reorder: "0%" });
      }
    },
  },
]);
