import { STATS_DRIVER } from "../../../../../packages/netdev/src/index.ts";
import { check } from "../../../lib/suite.ts";
import { defineCases, type TcpCase } from "./cases.ts";
import { pause } from "./our-socket.ts";
import type { Remark } from "./capture.ts";

/** What tshark may say, of frames that cases ask for. Everything else of its warnings and errors is a failure. */
const EXPECTED: readonly RegExp[] = [
  // Resets and zero windows are tried.
  /^Connection reset/,
  /^TCP Zero Window segment/,
  /^TCP window specified by the receiver is now completely full/,
  // Lost or overtaken before the TAP device, or sent twice.
  /^Previous segment/,
  /^D-SACK Sequence/,
  // A sum of 0, of which there is one in 65536.
  /^TCP Checksum 0xffff instead of 0x0000/,
  /^This frame is a \(suspected\) out-of-order segment/,
];

const FAULTS = [
  "IpInHdrErrors",
  "IcmpInCsumErrors",
  "TcpInCsumErrors",
  "TcpInErrs",
  "Ip6InHdrErrors",
  "Ip6InTruncatedPkts",
  "Icmp6InCsumErrors",
];
const HARMLESS = new Set(["rx_drop_OTHERHOST", "rx_drop_DEV_READY", "rx_gso_packets", "rx_gso_bytes"]);

function isExpected({ message }: Remark): boolean {
  return EXPECTED.some((pattern) => pattern.test(message));
}

/** After all the others. */
export const lastCases: readonly TcpCase[] = defineCases([
  {
    name: "tshark finds no bad checksum, nothing malformed and no breach of TCP in what passed the TAP device",
    quick: true,
    async run({ capture }) {
      const { frames, verified, badChecksums, malformed, remarks, dropped } = await capture.read();
      const list = remarks
        .filter(({ severity }) => severity !== "chat")
        .map(({ severity, message, count, example }) => `${severity} ${count} × ${message}\n    ${example}`);
      const told = `${frames} frames, ${verified} TCP checksums verified, received/dropped ${dropped}\n${list.join("\n")}`;
      check(verified > 1000, "more than a thousand segments were seen", told);
      check(badChecksums === 0 && malformed === 0, "no bad checksum, nothing malformed", told);
      const odd = remarks.filter((remark) => /error|warning/.test(remark.severity) && !isExpected(remark));
      check(odd.length === 0, "no warning but those that were asked for", told);
      return `${told.split("\n")[0] ?? ""}; its notes and warnings:\n${list.map((line) => line.split("\n")[0] ?? "").join("\n")}`;
    },
  },
  {
    name: "no packet of ours was malformed or had a bad checksum, by the kernel's own counters",
    quick: true,
    async run({ peer }) {
      const counters = await peer.mib();
      for (const name of FAULTS) check((counters[name] ?? 0) === 0, `${name} is 0`, String(counters[name]));
      return `${FAULTS.length} counters, all 0`;
    },
  },
  {
    name: "no packet of the kernel's was taken for malformed by us, and the kernel refused no header of ours",
    quick: true,
    run({ host, nic, failures, lost }) {
      const mib = host.mib.extra.get("Tcp") ?? {};
      check(mib.InErrs === 0 && mib.InCsumErrors === 0, "our InErrs and InCsumErrors are 0", JSON.stringify(mib));
      const odd = [...nic.stats(STATS_DRIVER)].filter(([name, count]) => count > 0 && !HARMLESS.has(name));
      check(odd.length === 0, "our driver counts no drops", odd.map((entry) => entry.join(" ")).join("\n"));
      const { total } = nic.device.txQueueStats;
      check(total.hw_drops === 0 && nic.device.txDropped === 0, "none was lost on its way out", JSON.stringify(total));
      check(failures.length === 0, "no device failed", failures.join("\n"));
      return Promise.resolve(
        `dropped by our host: ${[...lost].map(([reason, count]) => `${reason} ${count}`).join(", ")}`,
      );
    },
  },
  {
    name: "every packet is back in its pool",
    quick: true,
    async run({ pool }) {
      // What is under way at this very moment (a neighbour is asked, say) is not lost.
      for (let tries = 0; tries < 100 && pool.stats.inUse > 0; tries++) await pause(20);
      const { inUse, highWater, failures } = pool.stats;
      check(inUse === 0 && failures === 0, "none is out, and none was missing", JSON.stringify(pool.stats));
      return `no packet is out; ${highWater} at the most at one time`;
    },
  },
]);
