import type { Packet, PacketPool } from "@seville/packet";
import { createGro, type Gro, type GroOptions, type UdpTunnelShape } from "@seville/tso";
import { wholeFrame } from "./collect.ts";

/** The tunnels of the model, as data. */
export const SHAPES: readonly UdpTunnelShape[] = [
  {
    name: "vxlan",
    ports: [4789],
    headerBytes: 8,
    require: [{ offset: 0, mask: 0xff, value: 0x08 }],
    inner: { etherType: 0x6558 },
  },
  {
    name: "geneve",
    ports: [6081],
    headerBytes: 8,
    options: { offset: 0, mask: 0x3f, unit: 4 },
    require: [
      { offset: 0, mask: 0xc0, value: 0 },
      { offset: 1, mask: 0x80, value: 0 },
    ],
    inner: { etherTypeAt: 2 },
  },
  { name: "fou4", ports: [5555], headerBytes: 0, inner: { protocol: 4 } },
  { name: "fou6", ports: [5556], headerBytes: 0, inner: { protocol: 41 } },
  {
    name: "gue",
    ports: [6080],
    headerBytes: 4,
    options: { offset: 0, mask: 0x1f, unit: 4 },
    require: [{ offset: 0, mask: 0xe0, value: 0 }],
    inner: { protocolAt: 1 },
  },
];

/** What went to the sink. The packets stay alive until {@link GroRun.release}. */
export interface GroRun {
  readonly gro: Gro;
  readonly out: Packet[];
  give(frame: Uint8Array, change?: (packet: Packet) => void, now?: number): void;
  /** Payload lengths of what came out, given the length of the headers. */
  release(): void;
}

export function groRun(pool: PacketPool, options: Omit<GroOptions, "sink"> = {}): GroRun {
  const out: Packet[] = [];
  const gro = createGro({ sink: (packet) => void out.push(packet), tunnels: SHAPES, ...options });
  return {
    gro,
    out,
    give(frame, change, now = 0) {
      const packet = pool.from(frame, 130);
      if (packet === undefined) throw new Error("the test's pool is too small");
      change?.(packet);
      gro.receive(packet, now);
    },
    release() {
      for (const packet of out.splice(0)) packet.release();
    },
  };
}

/** The frames of `packets`, copied. */
export function framesIn(packets: readonly Packet[]): Uint8Array[] {
  return packets.map(wholeFrame);
}
