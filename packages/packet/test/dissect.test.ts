import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  compose,
  dissect,
  fieldValues,
  findField,
  formatTree,
  LINK_IPV6,
  LINK_RAW,
  MALFORMED,
  mergeTables,
  parseIpv4,
  parseIpv6,
  summarize,
  tcp,
  type Dissector,
  type HeaderLayer,
} from "../src/index.ts";
import { CORPUS } from "./corpus.ts";

const ETHERNET: HeaderLayer = { ethernet: { destination: 0x0200_0000_000b, source: 0x0200_0000_000a } };
const IPV4: HeaderLayer = { ipv4: { source: parseIpv4("10.0.0.1"), destination: parseIpv4("10.0.0.2") } };
const IPV6: HeaderLayer = { ipv6: { source: parseIpv6("fe80::1"), destination: parseIpv6("fe80::2") } };

describe("dissect", () => {
  test("P45 gives a tree whose nodes have name, abbreviation, value, offset, length and children", () => {
    const tree = dissect(compose([ETHERNET, IPV4, { udp: { sourcePort: 4000, destinationPort: 53 } }, "hello"]));
    expect(tree.children.map((node) => node.abbreviation)).toEqual(["eth", "ip", "udp", "data"]);
    expect(findField(tree, "ip.ttl")).toEqual({
      name: "Time to Live",
      abbreviation: "ip.ttl",
      value: 64,
      display: undefined,
      offset: 22,
      length: 1,
      children: [],
    });
    expect(fieldValues(tree, "udp.dstport")).toEqual([53]);
    expect(findField(tree, "no.such.field")).toBeUndefined();
  });

  test("P45 formats the tree like tshark -V", () => {
    const tree = dissect(compose([ETHERNET, IPV6, { icmpv6: { type: 128, identifier: 7, sequence: 1 } }, "ab"]));
    expect(formatTree(tree)).toMatchInlineSnapshot(`
      "Ethernet II
        Destination: 02:00:00:00:00:0b
          LG bit: Set
          IG bit: Not set
        Source: 02:00:00:00:00:0a
          LG bit: Set
          IG bit: Not set
        Type: IPv6 (0x86dd)
      Internet Protocol Version 6
        Version: 6
        Traffic Class: 0x00
          Differentiated Services Codepoint: 0
          Explicit Congestion Notification: Not ECN-Capable Transport (0)
        Flow Label: 0x00000
        Payload Length: 10
        Next Header: ICMPv6 (58)
        Hop Limit: 64
        Source Address: fe80::1
        Destination Address: fe80::2
      Internet Control Message Protocol v6
        Type: Echo (ping) request (128)
        Code: 0
        Checksum: 0x214c
        [Checksum Status: Good]
        Identifier: 0x0007
        Sequence: 1
        Data
          Data: 6162
          [Length: 2]"
    `);
  });

  test("P46 wrong checksums have status Bad, and are no malformed packet", () => {
    const layers = (checksum?: number): Uint8Array =>
      compose([
        ETHERNET,
        { ipv4: { source: 1, destination: 2, checksum } },
        { tcp: { sourcePort: 1, destinationPort: 2, sequence: 0, flags: tcp.SYN, window: 1, checksum } },
      ]);
    const statuses = (frame: Uint8Array): unknown[] =>
      ["ip", "tcp"].map((p) => findField(dissect(frame), `${p}.checksum.status`)?.value);
    expect(statuses(layers())).toEqual([1, 1]);
    expect(statuses(layers(0x1234))).toEqual([0, 0]);
    expect(findField(dissect(layers(0x1234)), MALFORMED)).toBeUndefined();
  });

  test("P46 a checksum over bytes that are not all there is not verified", () => {
    const frame = compose([ETHERNET, IPV4, { udp: { sourcePort: 1, destinationPort: 2 } }, "a long payload"]);
    const tree = dissect(frame.slice(0, -4));
    expect(findField(tree, "udp.checksum.status")?.value).toBe(2);
    expect(findField(tree, MALFORMED)?.value).toBe("truncated");
  });

  test("P47 takes dissectors for what it does not know, in tables, without changing what others get", () => {
    const greeting: Dissector = (d, at, end) => {
      d.group("Greeting", "greeting", at, end - at, () => {
        const length = d.uint("Length", "greeting.length", at, 1, { unit: " letters" });
        d.raw("Text", "greeting.text", at + 1, length);
      });
    };
    const frame = compose([
      ETHERNET,
      IPV4,
      { udp: { sourcePort: 9, destinationPort: 7777 } },
      Uint8Array.of(2, 104, 105),
    ]);
    const tree = dissect(frame, { dissectors: { udpPort: { 7777: greeting } } });
    expect(tree.children.at(-1)).toMatchObject({ abbreviation: "greeting", offset: 42, length: 3 });
    expect(findField(tree, "greeting.text")?.value).toEqual(Uint8Array.of(104, 105));
    expect(formatTree(tree)).toContain("Length: 2 letters");
    expect(dissect(frame).children.at(-1)?.abbreviation).toBe("data");
    // By the source's port too.
    expect(findField(dissect(frame, { dissectors: { udpPort: { 9: greeting } } }), "greeting")).toBeDefined();
  });

  test("P47 a dissector that asks for bytes that are not there gets an error node and 0", () => {
    let read = -1;
    const greedy: Dissector = (d, at) => {
      read = d.uint("Far", "far", at, 4);
      d.ipv6("Further", "further", at);
    };
    const frame = compose([{ ethernet: { source: 2, destination: 4, etherType: 0x88b5 } }, Uint8Array.of(1, 2)]);
    const tree = dissect(frame, { dissectors: { etherType: { 0x88b5: greedy } } });
    expect(read).toBe(0);
    expect(tree.children.map((node) => node.abbreviation)).toEqual(["eth", MALFORMED]);
  });

  test("P47 mergeTables lets the later win", () => {
    const one: Dissector = () => undefined;
    const two: Dissector = () => undefined;
    const merged = mergeTables({ ipProtocol: { 1: one, 2: one } }, { ipProtocol: { 2: two }, tcpPort: { 80: two } });
    expect(merged).toEqual({ ipProtocol: { 1: one, 2: two }, tcpPort: { 80: two } });
  });

  test("P48 bare IP packets are known by their version", () => {
    const packet4 = compose([IPV4, { udp: { sourcePort: 1, destinationPort: 2 } }]);
    const packet6 = compose([IPV6, { udp: { sourcePort: 1, destinationPort: 2 } }]);
    expect(dissect(packet4, { linkType: LINK_RAW }).children.map((n) => n.abbreviation)).toEqual(["ip", "udp"]);
    expect(dissect(packet6, { linkType: LINK_IPV6 }).children.map((n) => n.abbreviation)).toEqual(["ipv6", "udp"]);
    expect(dissect(Uint8Array.of(0x50), { linkType: LINK_RAW }).children[0]).toMatchObject({ abbreviation: MALFORMED });
    expect(dissect(packet4, { linkType: 9999 }).children[0]?.abbreviation).toBe("data");
  });

  test("P48 an 802.3 frame has a length, data and a trailer", () => {
    const frame = compose([{ ethernet: { source: 2, destination: 4, etherType: 3 } }, new Uint8Array(60)]);
    const tree = dissect(frame);
    expect(findField(tree, "eth.len")?.value).toBe(3);
    expect(findField(tree, "data.data")).toMatchObject({ offset: 14, length: 3 });
    expect(findField(tree, "eth.trailer")).toMatchObject({ offset: 17, length: 57 });
  });
});

describe("summarize", () => {
  const file = new URL("fixtures/tcpdump.json", import.meta.url);
  const { lines } = JSON.parse(readFileSync(file, "utf8")) as { lines: Readonly<Record<string, string>> };

  test.each(Object.entries(lines))("P49 writes what tcpdump writes for: %s", (name, line) => {
    expect(summarize(CORPUS[name]!)).toBe(line);
  });

  test("P49 puts what is wrong in brackets", () => {
    expect(summarize(new Uint8Array(3))).toBe("[truncated ethernet]");
    const cut = CORPUS.udp!.slice(0, 30);
    expect(summarize(cut)).toBe("[truncated ip]");
    const lying = CORPUS.udp!.slice();
    new DataView(lying.buffer).setUint16(38, 4);
    expect(summarize(lying)).toBe("IP 192.0.2.1 > 198.51.100.2: [bad-length udp]");
  });
});

describe("compose", () => {
  test("P31 writes a value that is given even where it is wrong", () => {
    const frame = compose([
      { ethernet: { source: 2, destination: 4, etherType: 0x1234 } },
      { ipv4: { source: 1, destination: 2, totalLength: 9, protocol: 99, checksum: 7 } },
      { udp: { sourcePort: 1, destinationPort: 2, length: 3, checksum: 5 } },
    ]);
    const view = new DataView(frame.buffer);
    expect([12, 16, 24, 38, 40].map((at) => view.getUint16(at))).toEqual([0x1234, 9, 7, 3, 5]);
    expect(view.getUint8(23)).toBe(99);
  });

  test("P31 the caller's mistakes throw", () => {
    const mistake = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }) as Error;
    expect(() => compose([{ nonsense: {} } as never])).toThrow(mistake);
    expect(() => compose([{ udp: { sourcePort: 1, destinationPort: 2 } }])).toThrow(mistake);
    expect(() => compose([ETHERNET, "what is it?"])).toThrow(mistake);
    expect(() => compose([IPV6, { routing: { type: 2, segmentsLeft: 0, data: new Uint8Array(3) } }])).toThrow(mistake);
    expect(compose([])).toEqual(new Uint8Array(0));
  });
});
