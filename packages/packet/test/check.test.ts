import { describe, expect, test } from "vitest";
import {
  arp,
  dissect,
  ethernet,
  findField,
  icmp,
  icmpv6,
  igmp,
  ipv6,
  MALFORMED,
  mld,
  nd,
  summarize,
  tcp,
  udp,
  vlan,
  walk,
} from "../src/index.ts";
import { CORPUS } from "./corpus.ts";

interface Codec {
  check(view: DataView, at: number, end: number): string | undefined;
  print(view: DataView, at: number): string;
}

interface Case {
  /** Which frame of the corpus, and where in it the header begins. */
  readonly frame: string;
  readonly at: number;
  readonly codec: Codec;
  /** The fewest bytes that are such a header there. */
  readonly needs: number;
  /** A line of it. */
  readonly line: string;
  /** What spoils it: offset from the header, value, and what `check` then says. */
  readonly spoilt: readonly (readonly [offset: number, value: number, fault: string])[];
}

const UDP_OVER_4 = 34;
const CASES: Readonly<Record<string, Case>> = {
  ethernet: {
    frame: "udp",
    at: 0,
    codec: ethernet,
    needs: 14,
    line: "02:00:00:00:00:0a > 02:00:00:00:00:0b, ethertype 0x0800",
    spoilt: [],
  },
  vlan: { frame: "qinq", at: 14, codec: vlan, needs: 4, line: "vlan 7, p 0, DEI", spoilt: [] },
  arp: {
    frame: "arp reply",
    at: 14,
    codec: arp,
    needs: 28,
    line: "ARP, Reply 192.0.2.1 is-at 02:00:00:00:00:0a",
    spoilt: [
      [1, 6, "bad-value"],
      [2, 0x86, "bad-value"],
      [4, 8, "bad-length"],
      [5, 16, "bad-length"],
    ],
  },
  ipv6: {
    frame: "udp over ipv6",
    at: 14,
    codec: ipv6,
    needs: 53,
    line: "IP6 2001:db8::a > 2001:db8:1::b: hlim 63, next-header 17, length 13",
    spoilt: [
      [0, 0x45, "bad-version"],
      [4, 1, "truncated"],
    ],
  },
  udp: {
    frame: "udp",
    at: UDP_OVER_4,
    codec: udp,
    needs: 13,
    line: "UDP 40000 > 40001, length 5",
    spoilt: [
      [5, 7, "bad-length"],
      [5, 14, "truncated"],
    ],
  },
  tcp: {
    frame: "tcp fin",
    at: UDP_OVER_4,
    codec: tcp,
    needs: 20,
    line: "TCP 40000 > 40002: Flags [F.U], seq 4294967280, ack 16909060, win 65535",
    spoilt: [
      [12, 0x40, "bad-length"],
      [12, 0xf0, "truncated"],
    ],
  },
  icmp: {
    frame: "icmp echo request",
    at: UDP_OVER_4,
    codec: icmp,
    needs: 8,
    line: "ICMP echo request, id 7982, seq 3",
    spoilt: [],
  },
  "icmp timestamp": {
    frame: "icmp timestamp",
    at: UDP_OVER_4,
    codec: icmp,
    needs: 20,
    line: "ICMP time stamp query id 1 seq 2",
    spoilt: [],
  },
  icmpv6: {
    frame: "icmpv6 packet too big",
    at: 54,
    codec: icmpv6,
    needs: 8,
    line: "ICMP6, packet too big, mtu 1280",
    spoilt: [],
  },
  "nd router advertisement": {
    frame: "router advertisement",
    at: 54,
    codec: nd,
    needs: 16,
    line: "ICMP6, router advertisement",
    spoilt: [
      [0, 128, "bad-value"],
      [17, 0, "bad-option"],
      [17, 18, "bad-option"],
    ],
  },
  "nd redirect": {
    frame: "redirect",
    at: 54,
    codec: nd,
    needs: 40,
    line: "ICMP6, redirect, 2001:db8:1::b to fe80::ff:fe00:b",
    spoilt: [[41, 0, "bad-option"]],
  },
  "mld v2 report": {
    frame: "mld v2 report",
    at: 62,
    codec: mld,
    needs: 80,
    line: "ICMP6, multicast listener report v2, 2 group record(s)",
    spoilt: [
      [7, 3, "truncated"],
      [11, 4, "truncated"],
      [0, 128, "bad-value"],
    ],
  },
  "mld v2 query": {
    frame: "mld v2 query",
    at: 62,
    codec: mld,
    needs: 44,
    line: "ICMP6, multicast listener query, addr ff15::1234",
    spoilt: [[27, 2, "truncated"]],
  },
  "igmp v3 query": {
    frame: "igmp v3 query",
    at: 38,
    codec: igmp,
    needs: 20,
    line: "igmp query [gaddr 239.1.2.3]",
    spoilt: [[11, 3, "truncated"]],
  },
  "igmp v3 report": {
    frame: "igmp v3 report",
    at: 38,
    codec: igmp,
    needs: 32,
    line: "igmp v3 report, 2 group record(s)",
    spoilt: [
      [7, 3, "truncated"],
      [19, 200, "truncated"],
    ],
  },
};

describe.each(Object.entries(CASES))("%s", (_, { frame: name, at, codec, needs, line, spoilt }) => {
  const frame = CORPUS[name]!;
  const view = new DataView(frame.buffer);

  test("P21 is good as it is, and truncated with a byte less than it needs", () => {
    expect(codec.check(view, at, frame.length)).toBeUndefined();
    expect(codec.check(view, at, at + needs - 1)).not.toBeUndefined();
    for (let end = at; end < Math.min(at + needs, at + 8); end++) expect(codec.check(view, at, end)).toBe("truncated");
  });

  test("P21 prints as a line", () => {
    expect(codec.print(view, at)).toBe(line);
  });

  for (const [offset, value, fault] of spoilt) {
    test(`P21 ${value} at offset ${offset} is ${fault}, in the tree and in the summary too`, () => {
      const bad = frame.slice();
      bad[at + offset] = value;
      expect(codec.check(new DataView(bad.buffer), at, bad.length)).toBe(fault);
      // Another type is another message, and none is wrong with that.
      if (fault === "bad-value" && offset === 0) return;
      const faults = [...walk(dissect(bad))].filter((node) => node.abbreviation === MALFORMED);
      expect(faults.map((node) => node.value)).toContain(fault);
      expect(findField(dissect(frame), MALFORMED)).toBeUndefined();
      expect(summarize(bad)).toContain(`[${fault} `);
    });
  }
});
