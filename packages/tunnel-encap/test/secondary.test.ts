import { compose } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { TunnelEndpoint, type SecondaryEncap, type Tunnel } from "../src/index.ts";
import { concat, draw, GRE, GUE, GUE_REMCSUM } from "./support/diagram.ts";
import { contextOf, drainedPool, hex, received, finishAndTake, load } from "./support/packets.ts";
import { A4, B4, inner4, inner6, wrap } from "./support/samples.ts";

/* FOU and GUE around IP tunnels (T4), by bytes that are drawn here, not by our own encoder. */

const pool = drainedPool();
const v4 = { local: A4, remote: B4 };
const PORT = 5555;

/** An outer packet to our port: IPv4, UDP without a checksum, and `payload`. */
function datagram(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return compose([
    { ipv4: { source: B4, destination: A4 } },
    { udp: { sourcePort: 40_000, destinationPort: PORT, checksum: 0 } },
    payload,
  ]);
}

/** The tunnel's verdict, and what it left. */
function verdict(tunnel: Tunnel, payload: Uint8Array): string {
  const endpoint = new TunnelEndpoint(tunnel, contextOf(pool));
  const packet = received(pool, datagram(payload));
  const reason = endpoint.decapsulate(packet);
  const left = reason ?? hex(packet.bytes());
  packet.release();
  return left;
}

const tunnelIn = (
  kind: "ipip" | "sit" | "gre",
  encap: Partial<SecondaryEncap> & Pick<SecondaryEncap, "type">,
): Tunnel => ({ kind, ...v4, encap: { dport: PORT, ...encap } });
const gueHeader = (values: Record<string, number>, more: Uint8Array = new Uint8Array(0)): Uint8Array =>
  concat(draw(GUE, { hlen: more.length / 4, ...values }), more);

const IN4 = inner4();
const IN6 = inner6();
const GRE_IN4 = concat(draw(GRE, { protocol: 0x0800 }), IN4);

describe("T4 FOU: the port stands for the protocol, and there is no header", () => {
  test.each([
    ["ipip", IN4, IN4],
    ["sit", IN6, IN6],
    ["gre", GRE_IN4, IN4],
  ] as const)("T4 %s", (kind, payload, left) => {
    expect(verdict(tunnelIn(kind, { type: "fou" }), payload)).toBe(hex(left));
  });

  test("T4 what is not of the tunnel's protocol is dropped by what it is", () => {
    expect(verdict(tunnelIn("ipip", { type: "fou" }), IN6)).toBe("UNHANDLED_PROTO");
    expect(verdict(tunnelIn("ipip", { type: "fou" }), Uint8Array.of(0x95, 0, 0))).toBe("UNHANDLED_PROTO");
    expect(verdict(tunnelIn("ipip", { type: "fou" }), new Uint8Array(0))).toBe("HDR_TRUNC");
    expect(verdict(tunnelIn("gre", { type: "fou" }), IN4)).not.toBe(hex(IN4));
  });

  test("T4 it takes 8 bytes of the path", () => {
    const plain = new TunnelEndpoint({ kind: "ipip", ...v4 }, contextOf(pool)).overhead.mtu;
    expect(new TunnelEndpoint(tunnelIn("ipip", { type: "fou" }), contextOf(pool)).overhead.mtu - plain).toBe(8);
    expect(new TunnelEndpoint(tunnelIn("ipip", { type: "gue" }), contextOf(pool)).overhead.mtu - plain).toBe(12);
    expect(
      new TunnelEndpoint(tunnelIn("ipip", { type: "gue", remcsum: true }), contextOf(pool)).overhead.mtu - plain,
    ).toBe(20);
    expect(
      new TunnelEndpoint(tunnelIn("ipip", { type: "gue", direct: true }), contextOf(pool)).overhead.mtu - plain,
    ).toBe(8);
  });
});

describe("T4 GUE: the header says what follows", () => {
  test.each([
    ["ipip", 4, IN4],
    ["sit", 41, IN6],
    ["gre", 47, GRE_IN4],
  ] as const)("T4 variant 0 with %s", (kind, proto, payload) => {
    const left = kind === "gre" ? IN4 : payload;
    expect(verdict(tunnelIn(kind, { type: "gue" }), concat(gueHeader({ proto }), payload))).toBe(hex(left));
  });

  test("T4 variant 1 is the IP packet itself, of either version", () => {
    expect(verdict(tunnelIn("ipip", { type: "gue" }), IN4)).toBe(hex(IN4));
    expect(verdict(tunnelIn("sit", { type: "gue" }), IN6)).toBe(hex(IN6));
    // The version of the packet is that of the variant, and this tunnel is of the other.
    expect(verdict(tunnelIn("sit", { type: "gue" }), concat(Uint8Array.of(0x75), IN6.subarray(1)))).toBe("DEV_HDR");
  });

  test.each([
    ["a control message", gueHeader({ C: 1, proto: 4 }), "UNHANDLED_PROTO"],
    ["variant 2", gueHeader({ variant: 2, proto: 4 }), "DEV_HDR"],
    ["variant 3", gueHeader({ variant: 3, proto: 4 }), "DEV_HDR"],
    ["an unknown flag", gueHeader({ flags: 1, proto: 4 }), "DEV_HDR"],
    ["the highest unknown flag", gueHeader({ flags: 0x4000, proto: 4 }), "DEV_HDR"],
    ["private flags without room", gueHeader({ P: 1, proto: 4 }), "DEV_HDR"],
    ["an unknown private flag", gueHeader({ P: 1, proto: 4 }, draw(GUE_REMCSUM, { private: 1 })), "DEV_HDR"],
    ["another protocol", gueHeader({ proto: 47 }), "UNHANDLED_PROTO"],
    ["no protocol", gueHeader({ proto: 59 }), "UNHANDLED_PROTO"],
  ])("T4 %s is dropped", (_name, header, reason) => {
    expect(verdict(tunnelIn("ipip", { type: "gue" }), concat(header, IN4))).toBe(reason);
  });

  test("T4 fields of no flag are passed over: the length says where the packet begins", () => {
    const header = gueHeader({ proto: 4 }, new Uint8Array(31 * 4).fill(0xff));
    expect(verdict(tunnelIn("ipip", { type: "gue" }), concat(header, IN4))).toBe(hex(IN4));
    expect(
      verdict(tunnelIn("ipip", { type: "gue" }), concat(gueHeader({ P: 1, proto: 4 }, new Uint8Array(4)), IN4)),
    ).toBe(hex(IN4));
  });

  test("T4 cut anywhere it is dropped, and nothing is read behind its end", () => {
    const whole = concat(gueHeader({ P: 1, proto: 4 }, draw(GUE_REMCSUM, { remcsum: 1, start: 20, offset: 26 })), IN4);
    for (let length = 0; length < 12; length++) {
      const left = verdict(tunnelIn("ipip", { type: "gue", remcsum: true }), whole.subarray(0, length));
      expect(["HDR_TRUNC", "DEV_HDR"]).toContain(left);
    }
  });
});

describe("T4 GUE's remote checksum (draft-herbert-remotecsumoffload-02)", () => {
  /** The inner packet with its UDP checksum left undone: the sum of the pseudo-header. */
  function undone(): Uint8Array<ArrayBuffer> {
    const bytes = IN4.slice();
    const view = new DataView(bytes.buffer);
    let sum = 17 + (bytes.length - 20);
    for (let at = 12; at < 20; at += 2) sum += view.getUint16(at);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(26, sum);
    return bytes;
  }
  const header = (start: number, offset: number): Uint8Array =>
    gueHeader({ P: 1, proto: 4 }, draw(GUE_REMCSUM, { remcsum: 1, start, offset }));

  test("T4 it is done by the receiver, or later by whoever sends the packet on", () => {
    const endpoint = new TunnelEndpoint(tunnelIn("ipip", { type: "gue", remcsum: true }), contextOf(pool));
    const packet = received(pool, datagram(concat(header(20, 26), undone())));
    expect(endpoint.decapsulate(packet)).toBeUndefined();
    expect(hex(finishAndTake(packet, endpoint.context))).toBe(hex(IN4));
  });

  test("T4 where it is not turned on, it is dropped", () => {
    expect(verdict(tunnelIn("ipip", { type: "gue" }), concat(header(20, 26), undone()))).toBe("DEV_HDR");
  });

  test.each([
    ["begin behind the packet", 5000, 5006],
    ["lie before their beginning", 26, 20],
    ["lie behind the end", 20, 4000],
  ])("T4 offsets that %s are not followed", (_name, start, offset) => {
    expect(verdict(tunnelIn("ipip", { type: "gue", remcsum: true }), concat(header(start, offset), undone()))).toMatch(
      /^(DEV_HDR|NOMEM|HDR_TRUNC)$/,
    );
  });

  test("T4 what we send with it is what the draft draws", () => {
    const context = contextOf(pool);
    const endpoint = new TunnelEndpoint(tunnelIn("ipip", { type: "gue", remcsum: true, csum: true }), context);
    const packet = load(pool, undone(), false);
    packet.ipSummed = 3;
    packet.csumStart = packet.data + 20;
    packet.csumOffset = 6;
    expect(endpoint.encapsulate(packet)).toBe("ok");
    const bytes = finishAndTake(packet, context);
    expect(hex(bytes.subarray(28))).toBe(hex(concat(header(20, 26), undone())));
  });

  test("T4 without a checksum to leave there is no such field", () => {
    const { outer } = wrap(pool, tunnelIn("ipip", { type: "gue", remcsum: true }), IN4);
    expect(hex(outer.subarray(28))).toBe(hex(concat(gueHeader({ proto: 4 }), IN4)));
  });
});
