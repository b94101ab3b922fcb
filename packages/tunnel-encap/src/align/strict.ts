import { ETH_P_IP, ETH_P_IPV6, IPPROTO_TCP, IPPROTO_UDP, ipv4, ipv6, tcp, udp, type Packet } from "@seville/packet";
import { alignmentOf } from "./alignment.ts";

/** Whether a misaligned word costs something: `strict-align` machines trap and emulate it, or stop. */
export type Arch = "x86" | "strict-align";

/** A misaligned access that was caught. */
export interface AlignmentTrap {
  /** Whose header: `ipv4`, `ipv6`, `tcp`, `udp`. */
  readonly protocol: string;
  /** Offset in the pool's memory. */
  readonly offset: number;
  /** Where the access was made. */
  readonly stack: string;
}

/**
 * Reads header words as a machine of `arch` would. On `strict-align` each misaligned 32-bit access is a trap: it is counted
 * by protocol, told to `onTrap` with the stack of who did it, and emulated byte by byte, as the kernel's handler does.
 */
export class WordReader {
  readonly arch: Arch;
  /** Traps by protocol, in the order in which they first happened. */
  readonly traps: Map<string, number> = new Map<string, number>();
  readonly #onTrap: ((trap: AlignmentTrap) => void) | undefined;

  constructor(arch: Arch, onTrap?: (trap: AlignmentTrap) => void) {
    this.arch = arch;
    this.#onTrap = onTrap;
  }

  get totalTraps(): number {
    let total = 0;
    for (const count of this.traps.values()) total += count;
    return total;
  }

  /** The 32-bit word at `offset`, in network order. */
  read32(view: DataView, offset: number, protocol: string): number {
    if (this.arch === "x86" || alignmentOf(offset) === 0) return view.getUint32(offset);
    this.traps.set(protocol, (this.traps.get(protocol) ?? 0) + 1);
    this.#onTrap?.({ protocol, offset, stack: new Error("misaligned access").stack ?? "" });
    const high = (view.getUint8(offset) << 8) | view.getUint8(offset + 1);
    const low = (view.getUint8(offset + 2) << 8) | view.getUint8(offset + 3);
    return ((high << 16) | low) >>> 0;
  }

  /**
   * Reads the words of the packet's network and transport header that a stack reads on its way up (addresses, flow label,
   * sequence numbers). The headers begin at `network`, which need not be in the packet.
   */
  readHeaders(packet: Packet, network: number = packet.networkHeader, end: number = packet.tail): void {
    const { view } = packet.pool.memory;
    if (packet.protocol === ETH_P_IP && ipv4.check(view, network, end) !== "bad-version") {
      if (end - network < ipv4.HEADER_LENGTH) return;
      for (const at of [12, 16]) this.read32(view, network + at, "ipv4");
      this.#readTransport(view, ipv4.protocol(view, network), network + ipv4.headerLength(view, network), end);
    } else if (packet.protocol === ETH_P_IPV6 && end - network >= ipv6.HEADER_LENGTH) {
      this.read32(view, network, "ipv6");
      for (let at = 8; at < 40; at += 4) this.read32(view, network + at, "ipv6");
      this.#readTransport(view, ipv6.nextHeader(view, network), network + ipv6.HEADER_LENGTH, end);
    }
  }

  #readTransport(view: DataView, protocol: number, at: number, end: number): void {
    if (protocol === IPPROTO_TCP && end - at >= tcp.HEADER_LENGTH) {
      for (const field of [0, 4, 8, 12]) this.read32(view, at + field, "tcp");
    } else if (protocol === IPPROTO_UDP && end - at >= udp.HEADER_LENGTH) this.read32(view, at, "udp");
  }
}
