import type { GuestSession } from "../../../../linux-peer/session.ts";
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

/** Frames that the link between the routers lost so far, from left to right. */
function lost(world: World): number {
  return world.links.get("wan")?.link.stats("aToB").dropped.LINK_LOSS ?? 0;
}

/** What is missing of the datagrams, and who dropped how many frames meanwhile. */
interface Missing {
  readonly packets: number;
  readonly missing: number;
  readonly byLink: number;
  /** This machine's kernel between us and the guests, and the guests themselves: whoever was given too little processor time. */
  readonly byBusyness: number;
}

/** The control connection's own segments are dropped as well, in both directions, and are none of the datagrams. */
const CONTROL_SEGMENTS = 12;

/** What a guest dropped so far, in its device and its queue. */
async function droppedIn(guest: GuestSession): Promise<number> {
  const text = await guest.expect(
    "cd /sys/class/net/eth0/statistics; cat rx_dropped rx_missed_errors rx_over_errors tx_dropped tx_errors tx_fifo_errors; cd; " +
      "tc -s qdisc show dev eth0 | sed -n 's/.*dropped \\([0-9]*\\),.*/\\1/p'",
  );
  return text.split("\n").reduce((sum, line) => sum + Number(line), 0);
}

/** Counters of a guest's kernel, in the order of `names`. */
async function counters(guest: GuestSession, ...names: readonly string[]): Promise<readonly number[]> {
  const text = await guest.expect(`nstat -asz ${names.join(" ")}`);
  return names.map((name) => Number(new RegExp(`^${name} +(\\d+)`, "m").exec(text)?.[1] ?? Number.NaN));
}

/**
 * By the guests' kernels: iperf3 itself stops counting when its control connection says so, and misses what is on its way then.
 * (Guests have GRO switched off, so that IP counts what TCP counts.)
 */
async function udp(seconds: number, { left, right, world, lostByMachine }: TwoGuests): Promise<Missing> {
  const count = async (): Promise<Missing> => {
    const [sent = 0] = await counters(left, "UdpOutDatagrams");
    const [ip = 0, tcpSegments = 0, icmp = 0] = await counters(right, "IpInReceives", "TcpInSegs", "IcmpInMsgs");
    const inGuests = (await droppedIn(left)) + (await droppedIn(right));
    const missing = sent - (ip - tcpSegments - icmp);
    return { packets: sent, missing, byLink: lost(world), byBusyness: lostByMachine() + inGuests };
  };
  const before = await count();
  await iperf(right, left, RIGHT.ipv4, `-u -b 10M -l 1200 -t ${seconds}`);
  await right.run("sleep 0.3");
  const after = await count();
  return {
    packets: after.packets - before.packets,
    missing: after.missing - before.missing,
    byLink: after.byLink - before.byLink,
    byBusyness: after.byBusyness - before.byBusyness,
  };
}

function tell({ packets, missing, byLink, byBusyness }: Missing): string {
  return `${missing} of ${packets} missing; ${byLink} dropped by our link, ${byBusyness} for want of processor time`;
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
      const result = await udp(quick ? 2 : 8, bench);
      const { packets, missing, byLink, byBusyness } = result;
      check(packets > 1500 && byLink === 0, "more than 1500 sent, none dropped by us", tell(result));
      check(missing <= byBusyness && missing >= byBusyness - CONTROL_SEGMENTS, "none missing but those", tell(result));
      return tell(result);
    },
  },
  {
    name: "iperf3 UDP with 5 % loss: the guest misses what our link dropped",
    async run(bench) {
      bench.world.setLink("wan", { loss: "5%" }, "aToB");
      try {
        const result = await udp(8, bench);
        const { packets, missing, byLink, byBusyness } = result;
        const dropped = byLink + byBusyness;
        check(missing <= dropped && missing >= dropped - CONTROL_SEGMENTS, "as many missing as dropped", tell(result));
        const offered = packets - byBusyness;
        check(byLink > offered * 0.035 && byLink < packets * 0.065, "5 % within 1.5 %", tell(result));
        return tell(result);
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
