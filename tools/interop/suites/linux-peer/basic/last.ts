import { check } from "../../../lib/suite.ts";
import { defineCases, type GuestCase } from "./two-guests.ts";

const COUNTERS = [
  "IpInHdrErrors",
  "IpInAddrErrors",
  "IcmpInCsumErrors",
  "IcmpInErrors",
  "UdpInCsumErrors",
  "TcpInCsumErrors",
  "TcpInErrs",
  "Ip6InHdrErrors",
  "Ip6InTruncatedPkts",
  "Icmp6InCsumErrors",
  "Icmp6InErrors",
  "Udp6InCsumErrors",
];

/** After all the others: what the guests' kernels thought of what we sent. */
export const lastCases: readonly GuestCase[] = defineCases([
  {
    name: "no packet of ours was malformed or had a bad checksum, by the guests' own counters",
    quick: true,
    async run({ left, right }) {
      for (const guest of [left, right]) {
        const text = await guest.expect(`nstat -asz ${COUNTERS.join(" ")}`);
        for (const line of text.split("\n").filter((each) => /^\w/.test(each))) {
          const [name = "", count = ""] = line.split(/\s+/);
          // An ICMP error that is no socket's is counted as an error of its own kind by Linux, whatever its bytes are.
          if (name === "IcmpInErrors" || name === "Icmp6InErrors") continue;
          check(count === "0", `${name} is 0`, text);
        }
      }
      return `${COUNTERS.length - 2} counters, all 0 in both guests`;
    },
  },
  {
    name: "our end of the guests' links lost nothing",
    quick: true,
    run({ world }) {
      const drops = [...world.links].flatMap(([name, { link }]) =>
        (["aToB", "bToA"] as const).flatMap((direction) =>
          Object.entries(link.stats(direction).dropped)
            .filter(
              ([reason, count]) =>
                count > 0 && reason !== "LINK_LOSS" && reason !== "QDISC_OVERLIMIT" && reason !== "QDISC_DROP",
            )
            .map(([reason, count]) => `${name} ${direction}: ${count} ${reason}`),
        ),
      );
      check(drops.length === 0, "no drop but those that were asked for", drops.join("\n"));
      return Promise.resolve("only by the loss and the queue that were asked for");
    },
  },
]);
