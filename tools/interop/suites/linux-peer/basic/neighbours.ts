import { check, numbers } from "../../../lib/suite.ts";
import { ping } from "./ping.ts";
import { LEFT, RIGHT } from "./topology.ts";
import { defineCases, type GuestCase } from "./two-guests.ts";

/** Finding each other on a link. */
export const neighbourCases: readonly GuestCase[] = defineCases([
  {
    name: "SLAAC (RFC 4862 §5.5): an address, a route and a hop limit from our router's advertisement",
    quick: true,
    async run({ left }) {
      // Soliciting is the guest's part: it asks when its link-local address is no longer tentative.
      const wait =
        "for i in $(seq 30); do ip -6 addr show dev eth0 | grep -q 'dynamic mngtmpaddr' && ! ip -6 addr show dev eth0 | grep -q tentative && break; sleep 0.3; done";
      const text = await left.expect(
        `${wait}; ip -6 addr show dev eth0; ip -6 route show default; sysctl -n net.ipv6.conf.eth0.hop_limit`,
      );
      // EUI-64 of 02:4c:50:00:01:00.
      check(
        /inet6 2001:db8:82:1:4c:50ff:fe00:100\/64 scope global dynamic mngtmpaddr/.test(text),
        "an address in our prefix",
        text,
      );
      check(
        /default via fe80::\S+ dev eth0 proto ra .*expires 1[78]\d\dsec/.test(text),
        "a default route with our lifetime",
        text,
      );
      check(text.trim().endsWith("61"), "the hop limit that we advertised", text);
      return "2001:db8:82:1:4c:50ff:fe00:100, default route for 1800 s, hop limit 61";
    },
  },
  {
    name: "ARP (RFC 826): the guests find the routers, and the routers the guests",
    quick: true,
    async run({ left, right, world }) {
      for (const [guest, router, mac] of [
        [left, LEFT.router4, "02:00:00:00:01:01"],
        [right, RIGHT.router4, "02:00:00:00:02:01"],
      ] as const) {
        const { received, text } = await ping(guest, `-c 3 ${router}`);
        check(received === 3, "3 replies of the router", text);
        const neighbour = await guest.expect(`ip neigh show ${router}`);
        check(
          neighbour.includes(`lladdr ${mac}`) && /REACHABLE|DELAY|STALE|PROBE/.test(neighbour),
          `${mac}, reachable`,
          neighbour,
        );
      }
      const asked = await left.expect("arping -V >/dev/null 2>&1; cat /proc/net/arp");
      check(asked.includes("02:00:00:00:01:01"), "our address in the guest's table", asked);
      const inReplies = world.hosts.get("r1")?.mib.ip.InReceives ?? 0;
      check(inReplies > 0, "the router received IP", String(inReplies));
      return "both ways";
    },
  },
  {
    name: "ND (RFC 4861 §7): solicitation and advertisement, with the router flag, and reachability confirmed",
    quick: true,
    async run({ left, right }) {
      for (const [guest, router] of [
        [left, LEFT.router6],
        [right, RIGHT.router6],
      ] as const) {
        const { received, text } = await ping(guest, `-c 3 ${router}`);
        check(received === 3, "3 replies of the router", text);
        const neighbour = await guest.expect(`ip -6 neigh show ${router}`);
        check(/lladdr 02:00:00:00:0[12]:01 router/.test(neighbour), "our address, as a router's", neighbour);
      }
      return "both ways, R flag set";
    },
  },
  {
    name: "ARP and ND: an entry that went stale is probed and confirmed (RFC 4861 §7.3.3)",
    async run({ left }) {
      // Stale at once, then use: DELAY for 5 s, then a unicast probe that our router answers.
      await left.expect(
        `ip neigh replace ${LEFT.router4} lladdr 02:00:00:00:01:01 nud stale dev eth0; ` +
          `ip neigh replace ${LEFT.router6} lladdr 02:00:00:00:01:01 nud stale router dev eth0`,
      );
      await ping(left, `-c 1 ${LEFT.router4}`);
      await ping(left, `-c 1 ${LEFT.router6}`);
      const text = await left.expect(`sleep 7; ip neigh show ${LEFT.router4}; ip -6 neigh show ${LEFT.router6}`);
      check((text.match(/REACHABLE/g) ?? []).length === 2, "both reachable again", text);
      return "STALE, DELAY, PROBE, REACHABLE";
    },
  },
  {
    name: "DAD (RFC 4862 §5.4): the guest cannot take our router's address",
    async run({ left }) {
      const text = await left.expect(
        `ip addr add ${LEFT.router6}/64 dev eth0; sleep 3; ip -6 addr show dev eth0; ip addr del ${LEFT.router6}/64 dev eth0`,
      );
      check(/2001:db8:82:1::1\/64 scope global .*dadfailed/.test(text), "dadfailed", text);
      return "dadfailed";
    },
  },
  {
    name: "MLD and IGMP: the guest's reports do no harm, ours are well formed",
    async run({ left }) {
      const text = await left.expect("cat /proc/net/snmp6 | grep -E 'Icmp6InErrors|Icmp6InCsumErrors'");
      for (const [count] of [...text.matchAll(/\s(\d+)/g)].map((match) => numbers(match[0], /(\d+)/))) {
        check(count === 0, "no ICMPv6 error", text);
      }
      return "no malformed message";
    },
  },
]);
