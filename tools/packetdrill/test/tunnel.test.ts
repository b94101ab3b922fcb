import { describe, expect, test } from "vitest";
import { ACK, RST, SYN } from "../language/tcp-flags.ts";
import { UdpTunnel } from "../sut/udp-tunnel.ts";
import type { ConnectionRow } from "../sut/system.ts";
import { decodePacket } from "../wire/decode.ts";
import { encodePacket } from "../wire/encode.ts";
import type { WirePacket, WireTcp } from "../wire/packet.ts";

const SYN_SEGMENT: WireTcp = {
  protocol: "tcp",
  ports: { source: 5000, destination: 80 },
  seq: 7,
  ack: 0,
  flags: SYN,
  window: 1000,
  urgent: 0,
  options: Uint8Array.of(2, 4, 0x05, 0xb4),
  payload: new Uint8Array(0),
  encapsulation: { source: 40_000, destination: 9899 },
};

function packet(family: 4 | 6, body: WirePacket["body"]): WirePacket {
  const address = (last: number): Uint8Array => {
    const bytes = new Uint8Array(family === 4 ? 4 : 16);
    bytes[bytes.length - 1] = last;
    return bytes;
  };
  return { family, source: address(1), destination: address(2), ecn: 0, dscp: 0, ttl: 9, flowLabel: 0, body };
}

function tunnel(rows: readonly ConnectionRow[] = []): UdpTunnel {
  const made = new UdpTunnel(
    () => rows,
    () => 1500,
  );
  made.port = 9899;
  return made;
}

const MSS_AT = 2;
const mssOf = ({ options }: WireTcp): number => new DataView(options.buffer, options.byteOffset).getUint16(MSS_AT);

describe("TCP over UDP", () => {
  test.each([
    [4 as const, 1452],
    [6 as const, 1432],
  ])("a SYN in a datagram comes out of it, IPv%d, with room for the datagram's header", (family, mss) => {
    const made = tunnel();
    const unwrapped = made.unwrap(encodePacket(packet(family, SYN_SEGMENT)));
    if (!("up" in unwrapped)) throw new Error("it was dropped");
    const { body } = decodePacket(unwrapped.up);
    expect(body).toMatchObject({ protocol: "tcp", seq: 7, encapsulation: undefined });
    expect(mssOf(body as WireTcp)).toBe(mss);
    expect(made.peerOf(80, 5000)).toBe(40_000);
  });

  test("what goes out to such a peer is in a datagram, checksums right", () => {
    const made = tunnel();
    made.setPeer(80, 5000, 40_000);
    const ports = { source: 80, destination: 5000 };
    const bytes = encodePacket(packet(4, { ...SYN_SEGMENT, ports, encapsulation: undefined }));
    const wrapped = made.wrap({ at: 0, bytes, gsoSize: 0, summed: true });
    const { body } = decodePacket(wrapped.bytes, { tcpInUdp: true });
    expect(body).toMatchObject({ ports, encapsulation: { source: 9899, destination: 40_000 } });
    expect(mssOf(body as WireTcp)).toBe(1452);
  });

  test("a connection takes nothing from elsewhere: it is answered with a RST, and a RST with nothing", () => {
    const rows = [{ state: "ESTABLISHED", family: 4 as const, localPort: 80, remotePort: 5000 }];
    const made = tunnel(rows);
    made.setPeer(80, 5000, 40_001);
    const stray = { ...SYN_SEGMENT, flags: ACK, ack: 99, options: new Uint8Array(0) };
    const answered = made.unwrap(encodePacket(packet(4, stray)));
    if (!("answer" in answered) || answered.answer === undefined) throw new Error("it was not answered");
    expect(decodePacket(answered.answer, { tcpInUdp: true }).body).toMatchObject({
      flags: RST,
      seq: 99,
      encapsulation: { source: 9899, destination: 40_000 },
    });
    expect(made.unwrap(encodePacket(packet(4, { ...stray, flags: RST })))).toEqual({ answer: undefined });
    expect(made.peerOf(80, 5000)).toBe(40_001);
  });

  test("without a tunnel nothing is touched", () => {
    const made = tunnel();
    made.port = 0;
    const bytes = encodePacket(packet(4, SYN_SEGMENT));
    expect(made.unwrap(bytes)).toEqual({ up: bytes });
  });
});
