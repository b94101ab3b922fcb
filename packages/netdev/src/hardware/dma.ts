import { DEFAULT_HEADROOM, type Packet, type PacketPool } from "@seville/packet";

/**
 * Where the device puts a received frame: so that its first byte is `pad` modulo 4, which with 2 (NET_IP_ALIGN) aligns
 * the IP header behind 14 bytes of Ethernet. A frame that lies right already stays; another is copied into a buffer of
 * its own and released. `undefined`: no memory, and the frame is the caller's still.
 */
export function alignFrame(pool: PacketPool, frame: Packet, pad: 0 | 2): Packet | undefined {
  if (frame.data % 4 === pad) return frame;
  const copy = pool.alloc(frame.length, DEFAULT_HEADROOM + pad);
  if (copy === undefined) return undefined;
  const at = copy.put(frame.length);
  pool.memory.u8.copyWithin(at, frame.data, frame.tail);
  copy.tstamp = frame.tstamp;
  copy.macHeader = at;
  frame.release();
  return copy;
}
