import { checksumHelp } from "@seville/checksum";
import { ETH_P_IP, ETH_P_IPV6, ethernet, ipv4, ipv6, PacketPool, type Packet } from "@seville/packet";
import { afterAll } from "vitest";
import { createTunnelContext, type TunnelContext } from "../../src/index.ts";

/** A pool whose slots must all be back when the file's tests are done. */
export function drainedPool(wasm = true): PacketPool {
  const pool = new PacketPool({ small: 64, jumbo: 8, super: 8, debug: true, wasm });
  afterAll(() => pool.assertDrained());
  return pool;
}

export function contextOf(pool: PacketPool, seed = 0x1234_5678): TunnelContext {
  return createTunnelContext(pool.memory, { seed });
}

/** A packet with a copy of `bytes`: a frame, or a bare IP packet with its protocol set. */
export function load(pool: PacketPool, bytes: Uint8Array, isEthernet: boolean, headroom = 128): Packet {
  const packet = pool.from(bytes, headroom);
  if (packet === undefined) throw new Error("the test's pool is too small");
  if (!isEthernet) packet.protocol = bytes[0]! >>> 4 === 6 ? ETH_P_IPV6 : ETH_P_IP;
  return packet;
}

/** The packet's bytes, its fragments included, copied; its checksum is finished first. The packet goes back to the pool. */
export function finishAndTake(packet: Packet, context: TunnelContext): Uint8Array<ArrayBuffer> {
  if (!checksumHelp(context.kernels, packet)) throw new Error("the checksum could not be finished");
  return take(packet);
}

export function take(packet: Packet): Uint8Array<ArrayBuffer> {
  if (!packet.linearize()) throw new Error("the test's pool is too small");
  const bytes = Uint8Array.from(packet.bytes());
  packet.release();
  return bytes;
}

/** An outer packet as a stack hands it to a tunnel: `networkHeader` at the IP header, the data behind it. */
export function received(pool: PacketPool, ip: Uint8Array, headroom = 128): Packet {
  const packet = load(pool, ip, false, headroom);
  const { view } = pool.memory;
  packet.networkHeader = packet.data;
  if (packet.protocol === ETH_P_IP) packet.pull(ipv4.headerLength(view, packet.data));
  else packet.pull(ipv6.walkExtensions(view, packet.data, packet.tail).at - packet.data);
  packet.transportHeader = packet.data;
  return packet;
}

/** What a frame holds behind its Ethernet header, without padding behind the IP packet. */
export function networkPacket(frame: Uint8Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const at = ethernet.HEADER_LENGTH;
  const length =
    ethernet.etherType(view, 0) === ETH_P_IP
      ? ipv4.totalLength(view, at)
      : ipv6.HEADER_LENGTH + ipv6.payloadLength(view, at);
  return Uint8Array.from(frame.subarray(at, at + length));
}

export function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
