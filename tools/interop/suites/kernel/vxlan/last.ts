import { check } from "../../../lib/suite.ts";
import { defineCases, type LabCase } from "./cases.ts";
import { countTap, driverCounters, mib } from "./counters.ts";
import { inNetns } from "../../../lib/netns-programs.ts";
import { VARIANTS } from "./variants.ts";

/** What a kernel counts of packets that are malformed or have a bad checksum. */
const FAULTS = [
  "IpInHdrErrors",
  "IpInAddrErrors",
  "IcmpInCsumErrors",
  "TcpInCsumErrors",
  "TcpInErrs",
  "UdpInCsumErrors",
  "Ip6InHdrErrors",
  "Ip6InTruncatedPkts",
  "Icmp6InCsumErrors",
  "Udp6InCsumErrors",
];

/** Ours alone: for the others' (neighbour discovery of groups we are not in, frames from before the run) we do not listen. */
const HARMLESS = new Set(["rx_drop_OTHERHOST", "rx_drop_DEV_READY", "rx_gso_packets", "rx_gso_bytes"]);
/** What cases asked for: packets too long for a link. */
const ASKED_FOR = new Set(["PKT_TOO_BIG"]);

/** After all the others. */
export const lastCases: readonly LabCase[] = defineCases([
  {
    name: "no packet of ours was malformed or had a bad checksum, by the kernels' own counters",
    quick: true,
    async run({ names }) {
      for (const netns of Object.values(names)) {
        const counters = await mib(netns);
        for (const name of FAULTS)
          check((counters[name] ?? 0) === 0, `${name} is 0 in ${netns}`, String(counters[name]));
      }
      for (const { number } of VARIANTS) {
        const path = `/sys/class/net/vx${number}/statistics`;
        const [errors, dropped] = (await inNetns(names.a, `cat ${path}/rx_errors ${path}/rx_dropped`)).split("\n");
        check(errors === "0", `the kernel's vx${number} counts no errors`, `${errors} errors, ${dropped} dropped`);
      }
      return `${FAULTS.length} counters in ${Object.keys(names).length} namespaces and those of ${VARIANTS.length} VXLANs, all 0`;
    },
  },
  {
    name: "we dropped nothing but what was too long, and the kernel refused none of our headers",
    quick: true,
    async run(lab) {
      for (const side of ["a", "b"] as const) {
        const odd = [...driverCounters(lab, side)].filter(([name, count]) => count > 0 && !HARMLESS.has(name));
        check(
          odd.length === 0,
          `our driver of tap${side} counts no drops`,
          odd.map((entry) => entry.join(" ")).join("\n"),
        );
        const { device } = lab.nics[side];
        const { total } = device.txQueueStats;
        check(total.hw_drops === 0 && device.txDropped === 0, "none was lost on its way out", JSON.stringify(total));
        const count = await countTap(lab, side);
        check(
          count.rx_errors === 0 && count.rx_frame_errors === 0,
          "the kernel took all frames",
          JSON.stringify(count),
        );
      }
      const dropped = [...lab.lost].filter(([reason]) => !ASKED_FOR.has(reason));
      check(dropped.length === 0, "our host dropped nothing else", JSON.stringify(dropped));
      check(lab.failures.length === 0, "no device failed", String(lab.failures));
      return "only those that cases asked for";
    },
  },
  {
    name: "every packet is back in its pool",
    quick: true,
    async run(lab) {
      // What is under way at this very moment (a neighbour is asked, say) is not lost.
      for (let tries = 0; tries < 50 && lab.pool.stats.inUse > 0; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const { inUse, highWater, failures } = lab.pool.stats;
      check(inUse === 0 && failures === 0, "none is out, and none was missing", JSON.stringify(lab.pool.stats));
      return `no packet is out; ${highWater} at the most at one time`;
    },
  },
]);
