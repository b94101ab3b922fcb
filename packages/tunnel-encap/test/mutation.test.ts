import { createRandom } from "@seville/core";
import { dissect, walk } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { checkMtu, composeTooBig, TUNNEL_DISSECTORS, TunnelEndpoint } from "../src/index.ts";
import { contextOf, drainedPool, networkPacket, received } from "./support/packets.ts";
import { RECORDINGS, TUNNELS } from "./support/recordings.ts";
import { frameOf } from "./support/samples.ts";

/*
 * Bytes from the wire never throw: the kernel's packets, cut and with bytes changed, are unwrapped or dropped with a reason,
 * what comes out lies within what went in, and every slot is given back.
 */

const pool = drainedPool();
const ROUNDS = 150;

describe.each(Object.keys(TUNNELS))("mutated packets of %s", (name) => {
  const endpoint = new TunnelEndpoint(TUNNELS[name]!, contextOf(pool));
  const random = createRandom(name.length * 7919 + name.charCodeAt(0));
  const outer = networkPacket(RECORDINGS[name]!.outer[0]!);
  const header = outer[0]! >>> 4 === 4 ? 20 : 40;

  test("are unwrapped or dropped, and never throw", () => {
    const seen = new Set<string | undefined>();
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = outer.slice(0, header + random.below(outer.length - header + 1));
      for (let i = random.below(4); i > 0 && bytes.length > header; i--) {
        // The outer IP header is the stack's business; behind it every byte is ours.
        bytes[header + random.below(bytes.length - header)] = random.below(256);
      }
      const packet = received(pool, bytes);
      const { length } = packet;
      const reason = endpoint.decapsulate(packet);
      seen.add(reason);
      expect(packet.data).toBeLessThanOrEqual(packet.tail);
      expect(packet.tail - packet.data).toBeLessThanOrEqual(length);
      if (reason === undefined) {
        checkMtu(packet, endpoint.overhead, 1500);
        composeTooBig(packet, { mtu: 1400, isEthernet: endpoint.info.isEthernet })?.release();
      }
      packet.release();
    }
    expect(seen.size).toBeGreaterThan(1);
  });

  test("are dissected within their bytes", () => {
    for (let round = 0; round < 40; round++) {
      const bytes = frameOf(outer).slice(0, 14 + random.below(outer.length));
      for (let i = random.below(4); i > 0; i--) bytes[random.below(bytes.length)] = random.below(256);
      for (const node of walk(dissect(bytes, { dissectors: TUNNEL_DISSECTORS }))) {
        expect(node.offset >= 0 && node.offset + node.length <= bytes.length).toBe(true);
      }
    }
  });
});
