import type { Nanos } from "../../../packages/core/src/index.ts";
import { CHECKSUM_PARTIAL, type Packet, type PacketPool } from "../../../packages/packet/src/index.ts";
import {
  IFF_NOARP,
  IFF_POINTOPOINT,
  ARPHRD_NONE,
  ETH_P_IP,
  ETH_P_IPV6,
} from "../../../packages/stack/src/interface/flags.ts";
import { NETIF_F_GSO, NETIF_F_HW_CSUM, type NetDevice } from "../../../packages/stack/src/interface/net-device.ts";
import type { NetInterface } from "../../../packages/stack/src/interface/net-interface.ts";
import type { CapturedPacket } from "./system.ts";

/** A TUN device (drivers/net/tun.c): IP packets without a link, to and from a program, which is the runner. */
export class TunDevice implements NetDevice {
  readonly kind = "tun";
  readonly type = ARPHRD_NONE;
  readonly flags = IFF_POINTOPOINT | IFF_NOARP;
  readonly hardHeaderLength = 0;
  readonly neededHeadroom = 0;
  readonly minMtu = 68;
  readonly maxMtu = 65_535;
  readonly carrier = true;
  readonly mtu: number;
  /** `ethtool -K tun0 tso on gso on`. */
  takesSuperPackets: boolean;
  readonly #captured: CapturedPacket[] = [];
  #iface: NetInterface | undefined;

  constructor(mtu: number, takesSuperPackets: boolean) {
    this.mtu = mtu;
    this.takesSuperPackets = takesSuperPackets;
  }

  get features(): number {
    return this.takesSuperPackets ? NETIF_F_HW_CSUM | NETIF_F_GSO : 0;
  }

  attach(iface: NetInterface): void {
    this.#iface = iface;
  }

  transmit(packet: Packet, now: Nanos): void {
    // What is in several slots is put together first.
    if (!packet.linearize()) throw new Error("the packet pool is empty");
    this.#captured.push({
      at: now,
      bytes: packet.bytes().slice(),
      gsoSize: packet.gsoSize,
      summed: packet.ipSummed !== CHECKSUM_PARTIAL,
    });
    packet.release();
  }

  take(): CapturedPacket | undefined {
    return this.#captured.shift();
  }

  /** The program writes a packet. */
  receive(bytes: Uint8Array, pool: PacketPool, now: Nanos): void {
    const packet = pool.alloc(bytes.length);
    if (packet === undefined || this.#iface === undefined) throw new Error("the packet pool is empty");
    pool.memory.u8.set(bytes, packet.put(bytes.length));
    packet.protocol = (bytes[0] ?? 0) >> 4 === 6 ? ETH_P_IPV6 : ETH_P_IP;
    packet.networkHeader = packet.data;
    this.#iface.receive(packet, now);
  }
}
