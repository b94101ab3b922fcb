import { check } from "../../../lib/suite.ts";
import { ping } from "./ping.ts";
import { RIGHT, SERVER } from "./topology.ts";
import { defineCases, type GuestCase } from "./two-guests.ts";

export const fragmentCases: readonly GuestCase[] = defineCases([
  {
    name: "fragments over IPv4 (RFC 791 §3.2): 4000 bytes, cut by the guest and again by our routers",
    quick: true,
    async run({ left, right, world }) {
      const { mib } = world.hosts.get("r1") as NonNullable<ReturnType<typeof world.hosts.get>>;
      const before = { creates: mib.ip.FragCreates, oks: mib.ip.FragOKs };
      await left.expect("ip -4 route flush cache");
      await right.expect("ip -4 route flush cache");
      // Without path MTU discovery (`dont`), so that the guest's fragments are of 1500 bytes and have to be cut again.
      const report = await ping(left, `-c 5 -M dont -s 4000 ${RIGHT.ipv4}`);
      check(report.received === 5, "5 replies", report.text);
      const created = mib.ip.FragCreates - before.creates;
      // 1500, 1500, 1068: the first two become two each.
      check(created === 20 && mib.ip.FragOKs - before.oks === 10, "20 fragments of 10 packets", `${created} fragments`);
      return "5 of 5; our router made 20 fragments of 10";
    },
  },
  {
    name: "fragments over IPv6 (RFC 8200 §4.5): 4000 bytes, cut by the guest, never by our routers",
    quick: true,
    async run({ left, world }) {
      const { mib } = world.hosts.get("r1") as NonNullable<ReturnType<typeof world.hosts.get>>;
      const before = mib.ip6.FragCreates;
      const report = await ping(left, `-c 5 -M want -s 4000 ${RIGHT.ipv6}`);
      // The first may have told the guest the path's MTU and been lost by that.
      check(report.received >= 4, "at least 4 replies of 5", report.text);
      const created = mib.ip6.FragCreates - before;
      check(created === 0, "no fragment made by a router", String(created));
      return `${report.received} of 5`;
    },
  },
  {
    name: "reassembly by our host: 4000 and 20000 bytes, both families",
    quick: true,
    async run({ left, world }) {
      const { mib } = world.hosts.get("server") as NonNullable<ReturnType<typeof world.hosts.get>>;
      // Both sides learn the path's MTU from the first packets, which are lost by that.
      await ping(left, `-c 3 -s 4000 ${SERVER.ipv6}`);
      const before = { v4: mib.ip.ReasmOKs, v6: mib.ip6.ReasmOKs };
      for (const address of [SERVER.ipv4, SERVER.ipv6]) {
        for (const size of [4000, 20_000]) {
          const report = await ping(left, `-c 3 -s ${size} ${address}`);
          check(report.received === 3, `3 replies of ${size} bytes`, report.text);
        }
      }
      const done = { v4: mib.ip.ReasmOKs - before.v4, v6: mib.ip6.ReasmOKs - before.v6 };
      check(done.v4 === 6 && done.v6 === 6, "6 datagrams put together in each family", JSON.stringify(done));
      return "12 of 12, 6 put together in each family";
    },
  },
  {
    name: "fragments that come out of order, and twice, are put together all the same",
    async run({ left, right, world }) {
      world.setLink("wan", { reorder: "25%", duplicate: "5%" });
      try {
        const reports = [];
        for (const [guest, address] of [
          [left, RIGHT.ipv4],
          [left, SERVER.ipv4],
          [left, SERVER.ipv6],
        ] as const) {
          const report = await ping(guest, `-c 20 -s 8000 ${address}`);
          check(report.received >= 20, "20 replies", report.text);
          reports.push(report.received);
        }
        const errors = await right.expect(
          "nstat -az IpReasmFails Ip6ReasmFails | grep -v '#' | awk '{s+=$2} END {print s}'",
        );
        check(errors.trim() === "0", "no failed reassembly in the guest", errors);
        return "60 of 60 with 25 % of frames overtaking and 5 % twice";
      } finally {
        world.setLink("wan", { reorder: "0%", duplicate: "0%" });
      }
    },
  },
]);
