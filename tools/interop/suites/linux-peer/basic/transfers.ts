import type { World } from "../../../../../packages/scenario/src/index.ts";
import { check } from "../../../lib/suite.ts";
import { iperf } from "./iperf.ts";
import { RIGHT, WAN_RATE } from "./topology.ts";
import { defineCases, type GuestCase, type TwoGuests } from "./two-guests.ts";

/** Of a frame of 1400 bytes of IP with Ethernet's 38: what is left for TCP with timestamps over IPv4 or IPv6. */
const GOODPUT = { ipv4: (1400 - 52) / (1400 + 38), ipv6: (1400 - 72) / (1400 + 38) };

async function tcp(family: "ipv4" | "ipv6", reverse: boolean, bench: TwoGuests, quick: boolean): Promise<string> {
  const { left, right, lostByMachine } = bench;
  const most = WAN_RATE * GOODPUT[family];
  const before = lostByMachine();
  const report = await iperf(right, left, RIGHT[family], `-t ${quick ? 3 : 8}${reverse ? " -R" : ""}`);
  const lostHere = lostByMachine() - before;
  const { bits_per_second: rate = 0 } = report.end.sum_received ?? {};
  const told = `${(rate / 1e6).toFixed(1)} of ${(most / 1e6).toFixed(1)} Mbit/s, ${lostHere} frames lost by this machine`;
  check(rate <= most * 1.02, "no more than the link carries", told);
  // In quick runs slow start takes a good part of the time; a machine that loses frames itself shows TCP what it does about that.
  const share = lostHere > 0 ? 0.2 : quick ? 0.5 : 0.75;
  check(rate >= most * share, `at least ${share * 100} % of what the link carries`, told);
  return told;
}

/** What is missing of `-u` beyond the control connection: the frames that were dropped, by our link or by this machine. */
interface Missing {
  readonly packets: number;
  readonly missing: number;
  readonly byLink: number;
  readonly byMachine: number;
}

async function udp(seconds: number, { left, right, world, lostByMachine }: TwoGuests): Promise<Missing> {
  const before = { link: lost(world), machine: lostByMachine() };
  const report = await iperf(right, left, RIGHT.ipv4, `-u -b 10M -l 1200 -t ${seconds}`);
  const sent = report.end.sum_sent?.packets ?? 0;
  const { packets = 0, lost_packets: gaps = 0 } = report.end.sum_received ?? {};
  // What was lost at the end leaves no gap.
  const missing = sent - (packets - gaps);
  return { packets: sent, missing, byLink: lost(world) - before.link, byMachine: lostByMachine() - before.machine };
}

/** The control connection's own segments are dropped as well, in both directions, and are none of the datagrams. */
const CONTROL_SEGMENTS = 12;

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
    name: "iperf3 UDP, 10 Mbit/s: our routers lose no datagram",
    quick: true,
    async run(bench, { quick }) {
      const { packets, missing, byLink, byMachine } = await udp(quick ? 2 : 8, bench);
      const told = `${missing} of ${packets} missing, ${byLink} dropped by our link, ${byMachine} by this machine`;
      check(packets > 1500 && byLink === 0, "more than 1500 sent, none dropped by us", told);
      check(missing <= byMachine && missing >= byMachine - CONTROL_SEGMENTS, "none missing but those", told);
      return told;
    },
  },
  {
    name: "iperf3 UDP with 5 % loss: the guest misses what our link dropped",
    async run(bench) {
      bench.world.setLink("wan", { loss: "5%" }, "aToB");
      try {
        const { packets, missing, byLink, byMachine } = await udp(8, bench);
        const told = `${missing} of ${packets} missing, ${byLink} dropped by our link, ${byMachine} by this machine`;
        const dropped = byLink + byMachine;
        check(missing <= dropped && missing >= dropped - CONTROL_SEGMENTS, "as many missing as dropped", told);
        check(byLink > packets * 0.04 && byLink < packets * 0.06, "5 % within 1 %", told);
        return told;
      } finally {
        bench.world.setLink("wan", { loss: "0%" }, "aToB");
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
