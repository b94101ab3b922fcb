import { PacketPool } from "../../../packages/packet/src/index.ts";
import { segment, virtioNetHdr } from "../../../packages/tso/src/index.ts";
import type { FuzzTarget } from "../target.ts";

const pool = new PacketPool({ small: 600, jumbo: 8, super: 4 });

/**
 * virtio_net_hdr of somebody who is not trusted, before any frame: a fault that leaves the packet as it was, or metadata with
 * which segmentation and {@link virtioNetHdr.fromMeta} come to an orderly end.
 */
export const target: FuzzTarget = {
  run(input) {
    if (input.length < 26) return;
    const view = new DataView(input.buffer, input.byteOffset, input.length);
    const bits = input[0] as number;
    const size = virtioNetHdr.SIZES[bits & 3] as virtioNetHdr.Size;
    const header = virtioNetHdr.decode(view, 1, input.length, size, (bits & 4) === 0);
    const packet = pool.from(input.subarray(1 + size), 128);
    if (packet === undefined) throw new Error("the target's pool is empty: something leaks");
    if (header === undefined) throw new Error("a header that is there was not decoded");
    const negotiated = { tunnel: (bits & 8) !== 0, tunnelCsum: (bits & 16) !== 0 };
    const fault = virtioNetHdr.toMeta(packet, header, {
      ...negotiated,
      driver: (bits & 32) !== 0,
      link: (bits & 64) === 0 ? "ethernet" : "raw",
    });
    if (fault !== undefined && (packet.gsoSize !== 0 || packet.ipSummed !== 0 || packet.encapsulation)) {
      throw new Error(`${fault}, and the packet was changed`);
    }
    if (packet.ipSummed === 3 && packet.csumStart + packet.csumOffset + 2 > packet.tail) {
      throw new Error("a checksum outside of the packet");
    }
    const again = virtioNetHdr.fromMeta(packet, negotiated);
    if (again !== undefined) virtioNetHdr.encode(new DataView(new ArrayBuffer(24)), 0, again, 24);
    const outcome = segment(packet, (one) => one.release(), { fragmentId: () => 1 });
    if (!outcome.ok) packet.release();
    pool.assertDrained();
  },
  seeds() {
    const frame = [
      ...new Array<number>(12).fill(2),
      8,
      0,
      0x45,
      0,
      0,
      70,
      0,
      1,
      0x40,
      0,
      64,
      6,
      0,
      0,
      10,
      0,
      0,
      1,
      10,
      0,
      0,
      2,
    ];
    const tcp = [0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 1, 0, 0, 0, 0, 0, ...new Array<number>(30).fill(7)];
    const udp = [0, 1, 0, 2, 0, 38, 0, 0, ...new Array<number>(30).fill(7)];
    const header = (type: number, offset: number): number[] => [1, type, 54, 0, 10, 0, 34, 0, offset, 0];
    return [
      Uint8Array.from([0, ...header(1, 16), ...frame, ...tcp]),
      Uint8Array.from([0, ...header(5, 6), ...frame.slice(0, 23), 17, ...frame.slice(24), ...udp]),
      Uint8Array.from([11 + 16, ...header(0x21, 16), ...new Array<number>(10).fill(0), 34, 0, 64, 0, ...frame, ...tcp]),
    ];
  },
};
