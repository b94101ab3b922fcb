import { describe, expect, test } from "vitest";
import { TunnelEndpoint, type GreTunnel } from "../src/index.ts";
import { concat, draw, GRE, GRE_CHECKSUM, GRE_WORD } from "./support/diagram.ts";
import { contextOf, drainedPool, received } from "./support/packets.ts";
import { A4, B4, inner4 } from "./support/samples.ts";

/*
 * What becomes of a GRE packet, for every combination of what the sender put into its header and what this end expects
 * (RFC 2784 §2.1, RFC 2890 §2; __ip_tunnel_rcv and gre_parse_header): 8 kinds of headers, 8 kinds of ends, and in each what can be
 * wrong with the fields that are there.
 */

const pool = drainedPool();
const KEY = 0x1234_5678;

interface Sent {
  readonly C: boolean;
  readonly K: boolean;
  readonly S: boolean;
  readonly checksum: "right" | "wrong";
  readonly key: number;
  readonly sequence: number;
}

interface End {
  readonly icsum: boolean;
  readonly key: boolean;
  readonly iseq: boolean;
}

const all = <T extends object>(...names: readonly (keyof T)[]): Record<keyof T, boolean>[] =>
  Array.from({ length: 2 ** names.length }, (_, i) =>
    Object.fromEntries(names.map((name, bit) => [name, ((i >> bit) & 1) === 1])),
  ) as Record<keyof T, boolean>[];

function naiveChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] as number) * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 0x1_0000) + Math.floor(sum / 0x1_0000);
  return 0xffff - sum;
}

/** An outer IPv4 packet with a GRE header as drawn, around an IPv4 packet. */
function packetOf({ C, K, S, checksum, key, sequence }: Sent): Uint8Array<ArrayBuffer> {
  const build = (sum: number): Uint8Array<ArrayBuffer> =>
    concat(
      draw(GRE, { C: Number(C), K: Number(K), S: Number(S), protocol: 0x0800 }),
      C ? draw(GRE_CHECKSUM, { checksum: sum }) : new Uint8Array(0),
      K ? draw(GRE_WORD, { word: key }) : new Uint8Array(0),
      S ? draw(GRE_WORD, { word: sequence }) : new Uint8Array(0),
      inner4(),
    );
  const right = naiveChecksum(build(0));
  const body = build(checksum === "right" ? right : right ^ 0x0100);
  const header = Uint8Array.from([0x45, 0, 0, 0, 0, 1, 0, 0, 64, 47, 0, 0, 192, 0, 2, 2, 192, 0, 2, 1]);
  new DataView(header.buffer).setUint16(2, header.length + body.length);
  new DataView(header.buffer).setUint16(10, naiveChecksum(header));
  return concat(header, body);
}

function endpointFor({ icsum, key, iseq }: End): TunnelEndpoint {
  const tunnel: GreTunnel = { kind: "gre", local: A4, remote: B4, icsum, iseq, ...(key ? { ikey: KEY } : {}) };
  return new TunnelEndpoint(tunnel, contextOf(pool));
}

/** What the texts say, in the order in which the kernel looks. */
function expectation(sent: Sent, end: End, last: number | undefined): string | undefined {
  if (sent.C && sent.checksum === "wrong") return "GRE_CSUM";
  if (sent.C && !end.icsum) return "GRE_CSUM_UNEXPECTED";
  if (!sent.C && end.icsum) return "GRE_CSUM_MISSING";
  if (sent.K !== end.key || (sent.K && sent.key !== KEY)) return "NO_SOCKET";
  if (end.iseq && !sent.S) return "GRE_SEQ_MISSING";
  if (end.iseq && last !== undefined && ((sent.sequence - last) | 0) <= 0) return "GRE_SEQ_OLD";
  return undefined;
}

function verdictOf(endpoint: TunnelEndpoint, sent: Sent): string | undefined {
  const packet = received(pool, packetOf(sent));
  const reason = endpoint.decapsulate(packet);
  if (reason === undefined) {
    expect(packet.protocol).toBe(0x0800);
    expect(Uint8Array.from(packet.bytes())).toEqual(inner4());
  }
  packet.release();
  return reason;
}

const ENDS = all<End>("icsum", "key", "iseq");
const HEADERS = all<Sent>("C", "K", "S") as unknown as Pick<Sent, "C" | "K" | "S">[];
const nameOf = (flags: Readonly<Record<string, boolean>>): string =>
  Object.entries(flags)
    .filter(([, set]) => set)
    .map(([name]) => name)
    .join(" ") || "nothing";

describe("T3 GRE: what is sent against what is expected", () => {
  for (const end of ENDS) {
    test(`T3 an end that expects ${nameOf(end as never)}`, () => {
      for (const header of HEADERS) {
        for (const checksum of ["right", "wrong"] as const) {
          for (const key of [KEY, KEY + 1]) {
            const sent: Sent = { ...header, checksum, key, sequence: 5 };
            const endpoint = endpointFor(end);
            const told = `${nameOf(header)}, checksum ${checksum}, key ${key}`;
            expect([told, verdictOf(endpoint, sent)]).toEqual([told, expectation(sent, end, undefined)]);
          }
        }
      }
    });
  }

  test.each([
    [5, 6, true],
    [5, 5, false],
    [5, 4, false],
    [5, 1000, true],
    [0xffff_ffff, 0, true],
    [0xffff_fff0, 10, true],
    [10, 0xffff_fff0, false],
    [0, 0x7fff_ffff, true],
    // Half of the circle is ahead, the other half is behind.
    [1, 0x8000_0000, true],
    [1, 0x8000_0002, false],
  ])(
    "T3 after number %i comes %i: in order %s (RFC 2890 §2.2, serial arithmetic of 32 bits)",
    (last, next, inOrder) => {
      const end: End = { icsum: false, key: false, iseq: true };
      const endpoint = endpointFor(end);
      const sent: Sent = { C: false, K: false, S: true, checksum: "right", key: 0, sequence: last };
      expect(verdictOf(endpoint, sent)).toBeUndefined();
      expect(verdictOf(endpoint, { ...sent, sequence: next })).toBe(inOrder ? undefined : "GRE_SEQ_OLD");
    },
  );

  test("T3 a packet that is dropped does not move the sequence on", () => {
    const end: End = { icsum: true, key: true, iseq: true };
    const endpoint = endpointFor(end);
    const good: Sent = { C: true, K: true, S: true, checksum: "right", key: KEY, sequence: 1 };
    expect(verdictOf(endpoint, good)).toBeUndefined();
    for (const bad of [{ checksum: "wrong" }, { key: 7 }, { C: false }] as const) {
      expect(verdictOf(endpoint, { ...good, sequence: 900, ...bad })).toBeDefined();
    }
    expect(verdictOf(endpoint, { ...good, sequence: 2 })).toBeUndefined();
    expect(endpoint.stats).toMatchObject({ rxPackets: 2, rxErrors: 3 });
  });

  test("T3 what was in the header is handed up, also when nobody asked for it", () => {
    const endpoint = endpointFor({ icsum: false, key: true, iseq: false });
    expect(
      verdictOf(endpoint, { C: false, K: true, S: true, checksum: "right", key: KEY, sequence: 77 }),
    ).toBeUndefined();
    expect(endpoint.info).toMatchObject({ id: KEY, hasKey: true, sequence: 77, isUnwrapped: true, isEthernet: false });
    const bare = endpointFor({ icsum: false, key: false, iseq: false });
    expect(verdictOf(bare, { C: false, K: false, S: false, checksum: "right", key: 0, sequence: 0 })).toBeUndefined();
    expect(bare.info).toMatchObject({ id: 0, hasKey: false, sequence: undefined });
  });
});
