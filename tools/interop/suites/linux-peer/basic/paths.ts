import { check, numbers } from "../../../lib/suite.ts";
import { ping } from "./ping.ts";
import { FAR_ROUTER, LEFT, RIGHT, WAN_DELAY_MS, WAN_MTU, WAN_RATE } from "./topology.ts";
import { defineCases, type GuestCase } from "./two-guests.ts";

/** Of a ping of 56 bytes: 98 bytes of frame and 24 of preamble, check sequence and gap, both ways over the link between the routers. */
const MODEL_MS = 2 * (WAN_DELAY_MS + ((98 + 24) * 8e3) / WAN_RATE);
/** What guests, sockets and this process may add on a machine that does other things too. */
const TOLERANCE_MS = 8;

async function pingAcross(
  family: "ipv4" | "ipv6",
  guests: Parameters<GuestCase["run"]>[0],
  count: number,
): Promise<string> {
  const report = await ping(guests.left, `-c ${count} ${RIGHT[family]}`);
  check(report.received === count, `${count} replies`, report.text);
  const { median, times } = report;
  check(Math.min(...times) >= MODEL_MS - 0.1, `no reply before ${MODEL_MS.toFixed(2)} ms have passed`, report.text);
  check(
    median <= MODEL_MS + TOLERANCE_MS,
    `a median of at most ${(MODEL_MS + TOLERANCE_MS).toFixed(1)} ms`,
    report.text,
  );
  return `${count} of ${count}, median ${median.toFixed(2)} ms, model ${MODEL_MS.toFixed(2)} ms`;
}

async function timeExceeded(family: "ipv4" | "ipv6", guests: Parameters<GuestCase["run"]>[0]): Promise<string> {
  const hops = [LEFT[family === "ipv4" ? "router4" : "router6"], FAR_ROUTER[family]];
  const words = family === "ipv4" ? "Time to live exceeded" : "Time exceeded: Hop limit";
  for (const [i, hop] of hops.entries()) {
    const { text } = await ping(guests.left, `-c 1 -t ${i + 1} ${RIGHT[family]}`);
    check(text.includes(`From ${hop}`) && text.includes(words), `"${words}" from ${hop}`, text);
  }
  const { received, text } = await ping(guests.left, `-c 1 -t 3 ${RIGHT[family]}`);
  check(received === 1, "a reply with a hop limit of 3", text);
  return hops.join(", ");
}

async function pathMtu(family: "ipv4" | "ipv6", guests: Parameters<GuestCase["run"]>[0]): Promise<string> {
  const { left } = guests;
  const headers = family === "ipv4" ? 28 : 48;
  const router = family === "ipv4" ? LEFT.router4 : LEFT.router6;
  await left.expect(`ip ${family === "ipv4" ? "-4" : "-6"} route flush cache`);
  const tooLong = await ping(left, `-c 2 -M do -s ${1500 - headers} ${RIGHT[family]}`);
  const words = family === "ipv4" ? `Frag needed and DF set (mtu = ${WAN_MTU})` : `Packet too big: mtu=${WAN_MTU}`;
  check(
    tooLong.text.includes(`From ${router}`) && tooLong.text.includes(words),
    `"${words}" from ${router}`,
    tooLong.text,
  );
  check(tooLong.received === 0, "no reply", tooLong.text);
  const route = await left.expect(`ip route get ${RIGHT[family]}`);
  const [mtu] = numbers(route, / mtu (\d+)/);
  check(mtu === WAN_MTU, `the guest learned ${WAN_MTU}`, route);
  const fitting = await ping(left, `-c 2 -M do -s ${WAN_MTU - headers} ${RIGHT[family]}`);
  check(fitting.received === 2, `2 replies to packets of ${WAN_MTU} bytes`, fitting.text);
  return `the guest's route has mtu ${mtu}`;
}

export const pathCases: readonly GuestCase[] = defineCases([
  {
    name: "ping over IPv4: time as the link has it, no loss",
    quick: true,
    run: (b, { quick }) => pingAcross("ipv4", b, quick ? 10 : 50),
  },
  {
    name: "ping over IPv6: time as the link has it, no loss",
    quick: true,
    run: (b, { quick }) => pingAcross("ipv6", b, quick ? 10 : 50),
  },
  {
    name: "traceroute over IPv4 (RFC 1812 §5.3.1): time exceeded from each router",
    quick: true,
    run: (bench) => timeExceeded("ipv4", bench),
  },
  {
    name: "traceroute over IPv6 (RFC 4443 §3.3): time exceeded from each router",
    quick: true,
    run: (bench) => timeExceeded("ipv6", bench),
  },
  {
    name: "path MTU over IPv4 (RFC 1191): the guest learns it from our router",
    quick: true,
    run: (bench) => pathMtu("ipv4", bench),
  },
  {
    name: "path MTU over IPv6 (RFC 8201): the guest learns it from our router",
    quick: true,
    run: (bench) => pathMtu("ipv6", bench),
  },
  {
    name: "tracepath: the guest's own tool agrees, hops and path MTU",
    async run({ left }) {
      const results: string[] = [];
      for (const family of ["ipv4", "ipv6"] as const) {
        await left.expect(`ip ${family === "ipv4" ? "-4" : "-6"} route flush cache`);
        const text = await left.expect(`tracepath -n ${family === "ipv4" ? "-4" : "-6"} ${RIGHT[family]}`, 60_000);
        const [mtu, hops] = numbers(text, /Resume: pmtu (\d+) hops (\d+)/);
        check(mtu === WAN_MTU && hops === 3, `pmtu ${WAN_MTU}, 3 hops`, text);
        results.push(`${family}: pmtu ${mtu}, ${hops} hops`);
      }
      return results.join("; ");
    },
  },
  {
    name: "a changed delay shows at once",
    async run({ left, world }) {
      world.setLink("wan", { delay: "40ms" });
      const slow = await ping(left, `-c 10 ${RIGHT.ipv4}`);
      world.setLink("wan", { delay: "10ms" });
      check(slow.median >= 80 && slow.median <= 80 + TOLERANCE_MS, "a median of 80 ms and little more", slow.text);
      return `median ${slow.median.toFixed(2)} ms with 40 ms each way`;
    },
  },
]);
