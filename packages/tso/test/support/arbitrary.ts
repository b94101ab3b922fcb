import fc from "fast-check";
import type { Flow, TunnelKind } from "./flow.ts";

const TUNNELS: readonly TunnelKind[] = [
  "none",
  "none",
  "vxlan",
  "vxlan-csum",
  "geneve",
  "geneve-csum",
  "gre",
  "gre-csum",
  "gre-key-csum",
  "gretap",
  "ip",
  "fou-csum",
];

/** Any flow. FIN, PSH and CWR come and go; options are a multiple of 4 bytes. */
export function flows(): fc.Arbitrary<Flow> {
  const family = fc.constantFrom<4 | 6>(4, 6);
  const word = fc.integer({ min: 0, max: 0xffff });
  return fc.record({
    family,
    kind: fc.constantFrom<"tcp" | "udp">("tcp", "udp"),
    tunnel: fc.constantFrom(...TUNNELS),
    outerFamily: family,
    vlans: fc.array(fc.integer({ min: 0, max: 4095 }), { maxLength: 2 }),
    tcpOptions: fc
      .integer({ min: 0, max: 10 })
      .chain((words) => fc.array(fc.constant(1), { minLength: words * 4, maxLength: words * 4 })),
    flags: fc.constantFrom(0x10, 0x18, 0x11, 0x90, 0xd9, 0x50),
    sequence: fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constant(0xffff_ff00)),
    id: fc.oneof(word, fc.constant(0xfffe)),
    outerId: word,
    fixedId: fc.boolean(),
    fixedOuterId: fc.boolean(),
    df: fc.boolean(),
    tos: fc.integer({ min: 0, max: 255 }),
    ttl: fc.integer({ min: 1, max: 255 }),
    extension: fc.boolean(),
    accEcn: fc.boolean(),
  });
}
