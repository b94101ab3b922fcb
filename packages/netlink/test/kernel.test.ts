import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { formatIp, parseIp } from "@seville/packet";
import {
  addressMessage,
  AF_INET,
  AF_INET6,
  linkMessage,
  neighbourMessage,
  nexthopMessage,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  routeMessage,
  RTM_DELROUTE,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETNEIGH,
  RTM_GETNEXTHOP,
  RTM_GETROUTE,
  RTM_GETRULE,
  RTM_GETSTATS,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
  RTM_NEWROUTE,
  RTM_NEWRULE,
  RTNLGRP_LINK,
  ruleMessage,
  statsFilterBit,
  statsMessage,
  statsRequest,
} from "@seville/netlink";
import { NetlinkClient } from "@seville/netlink/node";
import { missing, testWith } from "../../../tools/testing/needs.ts";

const NEEDS = ["linux", "root", "ip"] as const;
const NAMESPACE = `svnl${process.pid}`;
const canRun = missing(...NEEDS) === undefined;

function ip(...words: string[]): string {
  return execFileSync("ip", ["-n", NAMESPACE, ...words], { encoding: "utf8" });
}

function ipJson(...words: string[]): Record<string, unknown>[] {
  return JSON.parse(ip("-j", ...words) || "[]") as Record<string, unknown>[];
}

async function withClient(run: (client: NetlinkClient) => void | Promise<void>): Promise<void> {
  const client = await NetlinkClient.open({ netns: `/run/netns/${NAMESPACE}` });
  try {
    await run(client);
  } finally {
    client.close();
  }
}

describe("against the host's kernel, with iproute2 as the witness", () => {
  beforeAll(() => {
    if (!canRun) return;
    execFileSync("ip", ["netns", "add", NAMESPACE]);
    ip("link", "set", "lo", "up");
    ip("link", "add", "va", "type", "veth", "peer", "name", "vb");
    ip("link", "set", "va", "up");
    ip("link", "set", "vb", "up");
    ip("address", "add", "192.0.2.1/24", "dev", "va");
    ip("address", "add", "2001:db8::1/64", "dev", "va", "nodad");
    ip("link", "add", "vx", "type", "vxlan", "id", "42", "remote", "192.0.2.9", "dstport", "4789", "dev", "va");
    ip("route", "add", "10.0.0.0/8", "via", "192.0.2.2", "metric", "100", "mtu", "1400");
    ip("route", "add", "10.1.0.0/16", "nexthop", "via", "192.0.2.2", "weight", "3", "nexthop", "via", "192.0.2.3");
    ip("route", "add", "10.2.0.0/16", "via", "inet6", "2001:db8::9", "dev", "va");
    ip("route", "add", "unreachable", "10.3.0.0/16", "table", "300");
    ip("-6", "route", "add", "2001:db8:1::/48", "via", "2001:db8::9", "metric", "77");
    ip("rule", "add", "from", "10.9.0.0/16", "fwmark", "0x10/0xff", "iif", "va", "table", "300", "priority", "500");
    ip("neigh", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:02", "dev", "va", "nud", "permanent");
    ip("nexthop", "add", "id", "5", "via", "192.0.2.2", "dev", "va");
    ip("nexthop", "add", "id", "6", "group", "5,10");
  });
  afterAll(() => {
    if (canRun) execFileSync("ip", ["netns", "delete", NAMESPACE]);
  });

  testWith(NEEDS, "N20: links", () =>
    withClient((client) => {
      const ours = [...client.dump(RTM_GETLINK, linkMessage)].map(({ header, attributes }) => ({
        ifindex: header.index,
        ifname: attributes.ifname,
        mtu: attributes.mtu,
        qdisc: attributes.qdisc,
        group: attributes.group === 0 ? "default" : attributes.group,
        txqlen: attributes.txqlen,
      }));
      const theirs = ipJson("link").map(({ ifindex, ifname, mtu, qdisc, group, txqlen }) => {
        return { ifindex, ifname, mtu, qdisc, group, txqlen };
      });
      expect(ours).toEqual(theirs);
      const vxlan = [...client.dump(RTM_GETLINK, linkMessage)].find((one) => one.attributes.ifname === "vx");
      expect(vxlan?.attributes.linkinfo).toMatchObject({
        kind: "vxlan",
        data: { id: 42, group: parseIp("192.0.2.9"), port: 4789 },
      });
    }),
  );

  testWith(NEEDS, "N20: addresses of both families", () =>
    withClient((client) => {
      const ours = [...client.dump(RTM_GETADDR, addressMessage)]
        .map(({ header, attributes }) => `${formatIp(attributes.local ?? attributes.address ?? 0)}/${header.prefixlen}`)
        .sort();
      const theirs = ipJson("address").flatMap((link) =>
        (link["addr_info"] as { local: string; prefixlen: number }[]).map((one) => `${one.local}/${one.prefixlen}`),
      );
      expect(ours).toEqual(theirs.sort());
    }),
  );

  testWith(NEEDS, "N20: routes, with metrics, several next hops and a gateway of the other family", () =>
    withClient((client) => {
      const routes = [...client.dump(RTM_GETROUTE, routeMessage, { header: { family: AF_INET } })];
      const to = (text: string) => routes.find((one) => one.attributes.dst === parseIp(text));
      expect(to("10.0.0.0")?.attributes).toMatchObject({
        priority: 100,
        metrics: { mtu: 1400 },
        gateway: parseIp("192.0.2.2"),
      });
      expect(to("10.1.0.0")?.attributes.multipath).toMatchObject([
        { hops: 2, gateway: parseIp("192.0.2.2") },
        { hops: 0, gateway: parseIp("192.0.2.3") },
      ]);
      expect(to("10.2.0.0")?.attributes.via).toBe(parseIp("2001:db8::9"));
      expect(to("10.3.0.0")).toMatchObject({ header: { type: 7 }, attributes: { table: 300 } });
      expect(routes.length).toBe(ipJson("route", "show", "table", "all").length - countIpv6());
      const six = [...client.dump(RTM_GETROUTE, routeMessage, { header: { family: AF_INET6 } })];
      expect(six.find((one) => one.attributes.dst === parseIp("2001:db8:1::"))?.attributes.priority).toBe(77);
    }),
  );

  testWith(NEEDS, "N20: rules, neighbours and next hops", () =>
    withClient((client) => {
      const rules = [...client.dump(RTM_GETRULE, ruleMessage, { header: { family: AF_INET } })];
      expect(rules.find((one) => one.attributes.priority === 500)).toMatchObject({
        header: { srcLen: 16, action: 1 },
        attributes: { src: parseIp("10.9.0.0"), fwmark: 16, fwmask: 255, iifname: "va", table: 300 },
      });
      const neighbours = [...client.dump(RTM_GETNEIGH, neighbourMessage)];
      expect(neighbours.find((one) => one.attributes.dst === parseIp("192.0.2.2"))).toMatchObject({
        header: { state: 0x80 },
        attributes: { lladdr: Uint8Array.of(2, 0, 0, 0, 0, 2) },
      });
      const nexthops = [...client.dump(RTM_GETNEXTHOP, nexthopMessage)];
      expect(nexthops.map((one) => one.attributes)).toMatchObject([
        { id: 5, gateway: parseIp("192.0.2.2") },
        { id: 6, group: [{ id: 5, weight: 9 }] },
      ]);
    }),
  );

  testWith(NEEDS, "N21: what we ask for is done as ip shows it", () =>
    withClient((client) => {
      const va =
        [...client.dump(RTM_GETLINK, linkMessage)].find((one) => one.attributes.ifname === "va")?.header.index ?? 0;
      const create = NLM_F_CREATE | NLM_F_EXCL;
      client.request(RTM_NEWLINK, linkMessage, {
        attributes: { ifname: "br", linkinfo: { kind: "bridge" } },
        flags: create,
      });
      expect(ip("-d", "link", "show", "br")).toContain("bridge");
      client.request(RTM_NEWADDR, addressMessage, {
        header: { family: AF_INET, prefixlen: 24, index: va },
        attributes: { local: parseIp("198.51.100.1"), address: parseIp("198.51.100.1") },
        flags: create,
      });
      expect(ip("address", "show", "va")).toContain("inet 198.51.100.1/24");
      const route = {
        header: { family: AF_INET, dstLen: 16, table: 254, protocol: 4, type: 1 },
        attributes: { dst: parseIp("10.5.0.0"), gateway: parseIp("192.0.2.7"), metrics: { advmss: 1200 } },
      };
      client.request(RTM_NEWROUTE, routeMessage, { ...route, flags: create });
      expect(ip("route", "show", "10.5.0.0/16")).toContain("via 192.0.2.7 dev va proto static advmss 1200");
      client.request(RTM_DELROUTE, routeMessage, route);
      expect(ip("route", "show", "10.5.0.0/16")).toBe("");
      client.request(RTM_NEWRULE, ruleMessage, {
        header: { family: AF_INET, action: 1, table: 100 },
        attributes: { priority: 600, ipProto: 6, dportRange: { start: 80, end: 90 } },
        flags: create,
      });
      expect(ip("rule")).toContain("600:\tfrom all ipproto tcp dport 80-90 lookup 100");
      client.request(RTM_NEWNEIGH, neighbourMessage, {
        header: { family: AF_INET, ifindex: va, state: 0x80 },
        attributes: { dst: parseIp("192.0.2.3"), lladdr: Uint8Array.of(2, 0, 0, 0, 0, 3) },
        flags: NLM_F_CREATE | NLM_F_REPLACE,
      });
      expect(ip("neigh")).toContain("192.0.2.3 dev va lladdr 02:00:00:00:00:03 PERMANENT");
    }),
  );

  testWith(NEEDS, "N22: refusals come in the kernel's words, also at the end of a dump", () =>
    withClient((client) => {
      const wrong = { header: { family: AF_INET, dstLen: 32, table: 254, type: 1 }, flags: NLM_F_CREATE };
      expect(() => {
        client.request(RTM_NEWROUTE, routeMessage, {
          ...wrong,
          attributes: { dst: 1, gateway: parseIp("203.0.113.1") },
        });
      }).toThrow("Nexthop has invalid gateway (ENETUNREACH)");
      expect(() => [...client.dump(RTM_GETSTATS, statsRequest, { header: { filterMask: 0 } }, statsMessage)]).toThrow(
        "Filter mask must be set for stats dump",
      );
      expect(() => client.get(RTM_GETLINK, linkMessage, { attributes: { ifname: "nothing" } })).toThrow(
        expect.objectContaining({ code: "ENODEV" }),
      );
    }),
  );

  testWith(NEEDS, "N23: statistics by filter: nothing but what was asked for", () =>
    withClient((client) => {
      const header = { filterMask: statsFilterBit(1) };
      const dump = [...client.dump(RTM_GETSTATS, statsRequest, { header }, statsMessage)];
      const theirs = ipJson("-s", "link") as unknown as { ifindex: number; stats64: { rx: { packets: number } } }[];
      expect(dump.map((one) => one.header.ifindex)).toEqual(theirs.map((one) => one.ifindex));
      expect(dump.every((one) => Object.keys(one.attributes).join() === "link64")).toBe(true);
    }),
  );

  testWith(NEEDS, "N24: a monitor hears what changes, and ends when the client is closed", async () => {
    await withClient(async (client) => {
      const heard: (string | undefined)[] = [];
      const monitor = (async () => {
        for await (const one of client.monitor([RTNLGRP_LINK], () => linkMessage)) {
          heard.push(one.attributes.ifname);
          if (one.attributes.ifname === "heard") return;
        }
      })();
      // The first turn of the loop joins the group.
      await new Promise((resolve) => setTimeout(resolve, 50));
      ip("link", "add", "heard", "type", "bridge");
      await monitor;
      expect(heard).toContain("heard");
    });
  });

  testWith(NEEDS, "N25: a namespace that is not there is named", async () => {
    await expect(NetlinkClient.open({ netns: "/run/netns/svnl-nowhere" })).rejects.toThrow(
      "/run/netns/svnl-nowhere: ENOENT",
    );
  });
});

function countIpv6(): number {
  return ipJson("-6", "route", "show", "table", "all").length;
}
