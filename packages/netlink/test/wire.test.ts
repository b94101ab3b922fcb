import { describe, expect, test } from "vitest";
import { parseIp } from "@seville/packet";
import {
  decode,
  encode,
  messagesIn,
  NetlinkWriter,
  NLM_F_CAPPED,
  NLM_F_DUMP,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  readAcknowledgement,
  routeMessage,
  RTM_GETROUTE,
  RTM_NEWROUTE,
  writeAcknowledgement,
  writeDone,
  type NetlinkMessage,
  type Reading,
} from "@seville/netlink";

/** Bytes as somebody writes them down: hexadecimal, in groups. */
function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replace(/[^0-9a-f]/g, "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function all(bytes: Uint8Array): NetlinkMessage[] {
  return [...messagesIn(bytes)];
}

/** `ip route add 10.0.0.0/8 via 192.0.2.1 dev 4 metric 100`, byte for byte by include/uapi/linux/rtnetlink.h, little endian. */
const route = hex(`
  34000000 1800 0106 2a000000 00000000
  02 08 00 00 fe 04 00 01 00000000
  0800 0100 0a000000
  0800 0600 64000000
  0800 0500 c0000201
`);

describe("messages", () => {
  test("N1: a message is its header and what lies behind", () => {
    const [message] = all(route) as [NetlinkMessage];
    expect(message).toMatchObject({ type: RTM_NEWROUTE, flags: 0x601, sequence: 42, port: 0, at: 16, end: 52 });
  });

  test("N1: several stand behind each other, each at a multiple of four bytes", () => {
    const out = new NetlinkWriter();
    out.message(100, 1, 1, 0, () => out.u8(9));
    out.message(101, 2, 2, 0);
    expect(out.length).toBe(20 + 16);
    expect(all(out.bytes()).map(({ type, at, end }) => [type, end - at])).toEqual([
      [100, 1],
      [101, 0],
    ]);
  });

  test.each([
    ["longer than the bytes", "40000000 1800 0100 00000000 00000000"],
    ["shorter than a header", "0f000000 1800 0100 00000000 00000000"],
    ["a header cut off", "10000000 1800 0100 00000000 000000"],
  ])("N2: a message %s ends the reading, and the rest is told", (_, text) => {
    const reading = messagesIn(hex(text));
    expect(reading.next()).toEqual({ done: true, value: { rest: hex(text).length } });
  });
});

describe("a format", () => {
  test("N3: reads header and attributes in the host's order, addresses in the network's", () => {
    const [message] = all(route) as [NetlinkMessage];
    expect(decode(routeMessage, message)).toEqual({
      header: { family: 2, dstLen: 8, srcLen: 0, tos: 0, table: 254, protocol: 4, scope: 0, type: 1, flags: 0 },
      attributes: { dst: parseIp("10.0.0.0"), priority: 100, gateway: parseIp("192.0.2.1") },
    });
  });

  test("N4: writes what it reads", () => {
    const out = new NetlinkWriter();
    out.message(RTM_NEWROUTE, 0x601, 42, 0, () => {
      encode(out, routeMessage, {
        header: { family: 2, dstLen: 8, table: 254, protocol: 4, type: 1 },
        attributes: { dst: parseIp("10.0.0.0"), gateway: parseIp("192.0.2.1"), priority: 100 },
      });
    });
    expect(out.bytes()).toEqual(route);
  });

  test("N5: attributes that are not known are passed over; strict, they are an error with their place", () => {
    const odd = route.slice();
    odd[16 + 12 + 2] = 99;
    const [message] = all(odd) as [NetlinkMessage];
    expect(decode(routeMessage, message).attributes).not.toHaveProperty("dst");
    const reading: Reading = { strict: true, problem: undefined };
    decode(routeMessage, message, reading);
    expect(reading.problem).toEqual({ message: "Unknown attribute type", offset: 28 });
  });

  test.each([
    ["shorter than a u32", [16 + 20, 6], "Attribute failed policy validation"],
    ["of a length that is no address", [16 + 12, 9], "Invalid address length"],
  ])("N6: an attribute %s is told as the kernel tells it", (_, [at, size], sentence) => {
    const odd = route.slice();
    odd[at as number] = size as number;
    const reading: Reading = { strict: false, problem: undefined };
    decode(routeMessage, all(odd)[0] as NetlinkMessage, reading);
    expect(reading.problem?.message).toBe(sentence);
  });

  test("N7: a message without room for its header is a problem, not an exception", () => {
    const out = new NetlinkWriter();
    out.message(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, 1, 0, () => out.u32(2));
    const reading: Reading = { strict: false, problem: undefined };
    expect(decode(routeMessage, all(out.bytes())[0] as NetlinkMessage, reading).header.family).toBe(2);
    expect(reading.problem?.message).toContain("too short");
  });

  test("N8: strict, bytes behind the last attribute are an error", () => {
    const out = new NetlinkWriter();
    out.message(RTM_NEWROUTE, 0, 1, 0, () => {
      encode(out, routeMessage, { header: { family: 2 } });
      out.u16(7);
    });
    const reading: Reading = { strict: true, problem: undefined };
    decode(routeMessage, all(out.bytes())[0] as NetlinkMessage, reading);
    expect(reading.problem?.message).toBe("bytes leftover after parsing attributes.");
  });

  test("N9: an attribute of more than 65531 bytes is refused", () => {
    const out = new NetlinkWriter();
    expect(() => out.attribute(1, () => out.zeros(65_532))).toThrow("at most 65531 bytes");
  });
});

describe("acknowledgements", () => {
  const request = { type: RTM_NEWROUTE, flags: 0x601, sequence: 42, port: 7, bytes: route };

  test("N10: an error quotes the request and carries a sentence and a place", () => {
    const out = new NetlinkWriter();
    writeAcknowledgement(out, request, -22, { message: "Invalid prefix length", offset: 28 });
    const [message] = all(out.bytes()) as [NetlinkMessage];
    expect(message).toMatchObject({ type: NLMSG_ERROR, sequence: 42, port: 7 });
    expect(message.end - message.at).toBeGreaterThan(4 + route.length);
    expect(readAcknowledgement(message)).toEqual({
      error: -22,
      extended: { message: "Invalid prefix length", offset: 28 },
    });
  });

  test("N10: capped, it quotes the header alone", () => {
    const out = new NetlinkWriter();
    writeAcknowledgement(out, request, -17, { message: "File exists" }, true);
    const [message] = all(out.bytes()) as [NetlinkMessage];
    expect(message.flags & NLM_F_CAPPED).not.toBe(0);
    expect(readAcknowledgement(message)).toEqual({ error: -17, extended: { message: "File exists" } });
  });

  test("N11: success quotes the header alone", () => {
    const out = new NetlinkWriter();
    writeAcknowledgement(out, request, 0);
    expect(out.length).toBe(16 + 4 + 16);
    expect(readAcknowledgement(all(out.bytes())[0] as NetlinkMessage)).toEqual({ error: 0, extended: {} });
  });

  test("N12: the end of a dump may be an error, with its sentence", () => {
    const out = new NetlinkWriter();
    writeDone(out, request, -22, { message: "Filter mask must be set for stats dump" });
    const [message] = all(out.bytes()) as [NetlinkMessage];
    expect(message.type).toBe(NLMSG_DONE);
    expect(message.flags & NLM_F_MULTI).not.toBe(0);
    expect(readAcknowledgement(message)).toEqual({
      error: -22,
      extended: { message: "Filter mask must be set for stats dump" },
    });
  });

  test("N12: an empty DONE is no error, and other messages are no acknowledgement", () => {
    const out = new NetlinkWriter();
    out.message(NLMSG_DONE, 0, 1, 0);
    expect(readAcknowledgement(all(out.bytes())[0] as NetlinkMessage)).toEqual({ error: 0, extended: {} });
    expect(readAcknowledgement(all(route)[0] as NetlinkMessage)).toBeUndefined();
  });

  test.each([0x7fff_fffe, 0xffff_ffff, 100])("N13: a quoted request that claims %d bytes is not believed", (length) => {
    const out = new NetlinkWriter();
    out.message(NLMSG_ERROR, 0x200, 1, 0, () => out.u32(-22).u32(length).zeros(12));
    expect(readAcknowledgement(all(out.bytes())[0] as NetlinkMessage)).toEqual({ error: -22, extended: {} });
  });

  test("N13: an error cut off in the middle is not read past its end", () => {
    const out = new NetlinkWriter();
    out.message(NLMSG_ERROR, 0x200, 1, 0, () => out.u32(-22).u32(1000));
    expect(readAcknowledgement(all(out.bytes())[0] as NetlinkMessage)).toBeUndefined();
  });
});
