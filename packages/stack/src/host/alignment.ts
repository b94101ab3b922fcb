import { invalidArgument, StrictDataView, type AlignmentWatch } from "@seville/core";
import {
  ETH_P_ARP,
  ETH_P_IP,
  ETH_P_IPV6,
  ETH_P_TEB,
  ethernet,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IPIP,
  IPPROTO_IPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  ipv4,
  ipv6,
  NO_HEADER,
  type Packet,
  type PacketPool,
} from "@seville/packet";

/** A misaligned access that was caught. */
export interface AlignmentTrap {
  /** Whose header: `ethernet`, `arp`, `ipv4`, `ipv6`, `tcp`, `udp`, `icmp`, `icmpv6`, `sctp`, `gre`; `payload` behind it; `other`: in another packet. */
  readonly protocol: string;
  /** What was at work: see {@link AlignmentTraps.watch}. */
  readonly caller: string;
  /** Offset in the pool's memory. */
  readonly offset: number;
  /** Size of the word. */
  readonly bytes: 2 | 4 | 8;
  /** Where the access was made. */
  readonly stack: string;
}

/** What was at work, and with what. */
interface Busy {
  readonly watch: AlignmentWatch | undefined;
  readonly caller: string;
  readonly packet: Packet | undefined;
}

/** Bytes of a transport header before what it carries; of others there is no end. */
const TRANSPORTS = new Map<number, readonly [name: string, bytes: number]>([
  [IPPROTO_TCP, ["tcp", Infinity]],
  [IPPROTO_UDP, ["udp", 8]],
  [IPPROTO_ICMP, ["icmp", Infinity]],
  [IPPROTO_ICMPV6, ["icmpv6", Infinity]],
  [IPPROTO_SCTP, ["sctp", Infinity]],
]);

/**
 * The traps of a `strict-align` host: each 16-, 32- and 64-bit access of its receive path (and of what it sends in answer) that is
 * not at a multiple of its size is counted, and then emulated, as the kernel's handler does. Checksums are not counted: the kernel's
 * `csum_partial` and our kernels take any offset.
 */
export class AlignmentTraps implements AlignmentWatch {
  /** By protocol, and by who was at work, in the order in which they first happened. */
  readonly byProtocol: Map<string, number> = new Map<string, number>();
  readonly byCaller: Map<string, number> = new Map<string, number>();
  /** Told of each, with the stack of who did it. Slow. */
  onTrap: ((trap: AlignmentTrap) => void) | undefined = undefined;
  readonly #view: StrictDataView;
  readonly #u8: Uint8Array;
  readonly #entered: Busy[] = [];
  #packet: Packet | undefined = undefined;
  #caller = "";

  /** @throws SevilleError `ERR_INVALID_ARGUMENT`: the pool was made without `strictAlign`, and nothing can be seen */
  constructor(pool: PacketPool) {
    const { view, u8 } = pool.memory;
    if (!(view instanceof StrictDataView)) {
      throw invalidArgument("pool", "made with strictAlign for a strict-align host", "one without");
    }
    this.#view = view;
    this.#u8 = u8;
  }

  get total(): number {
    let total = 0;
    for (const count of this.byProtocol.values()) total += count;
    return total;
  }

  /** Runs `work` on behalf of this host's processor, as `caller`, which is busy with `packet`. */
  watch<Result>(caller: string, packet: Packet | undefined, work: () => Result): Result {
    this.enter(caller, packet);
    try {
      return work();
    } finally {
      this.leave();
    }
  }

  /** From now on this host's processor is at work, or (no `caller`) somebody who does not mind, such as a NIC's silicon. */
  enter(caller: string | undefined, packet?: Packet): void {
    this.#entered.push({ watch: this.#view.watch, caller: this.#caller, packet: this.#packet });
    this.#view.watch = caller === undefined ? undefined : this;
    this.#caller = caller ?? "";
    if (packet !== undefined) this.#packet = packet;
  }

  /** The end of the last {@link AlignmentTraps.enter}. */
  leave(): void {
    const before = this.#entered.pop();
    this.#view.watch = before?.watch;
    this.#caller = before?.caller ?? "";
    this.#packet = before?.packet;
  }

  /** What the processor is busy with now, where many packets come one after another. */
  turnTo(packet: Packet): void {
    this.#packet = packet;
  }

  /** @internal */
  misaligned(offset: number, bytes: 2 | 4 | 8): void {
    const protocol = this.#protocolAt(offset);
    const caller = this.#caller;
    this.byProtocol.set(protocol, (this.byProtocol.get(protocol) ?? 0) + 1);
    this.byCaller.set(caller, (this.byCaller.get(caller) ?? 0) + 1);
    this.onTrap?.({ protocol, caller, offset, bytes, stack: new Error("misaligned access").stack ?? "" });
  }

  /** Finds out by bytes, which are always aligned. */
  #protocolAt(offset: number): string {
    const packet = this.#packet;
    if (packet === undefined || offset < packet.head || offset >= packet.end) return "other";
    let network = packet.networkHeader;
    let { protocol } = packet;
    if (network === NO_HEADER) {
      // In the driver's hands: the frame has not been looked at.
      network = packet.data + ethernet.HEADER_LENGTH;
      protocol = this.#half(network - 2);
    }
    return offset < network ? "ethernet" : this.#headerAt(offset, network, protocol);
  }

  /** Whose header holds `offset`, where that of `protocol` begins at `at`: through IP in IP and GRE, inwards. */
  #headerAt(offset: number, at: number, protocol: number): string {
    const u8 = this.#u8;
    if (protocol === ETH_P_ARP) return "arp";
    if (protocol === ETH_P_IP) {
      const end = at + Math.max(ipv4.HEADER_LENGTH, ((u8[at] as number) & 15) * 4);
      return offset < end ? "ipv4" : this.#transportAt(offset, end, u8[at + 9] as number);
    }
    if (protocol !== ETH_P_IPV6) return "payload";
    const end = at + ipv6.HEADER_LENGTH;
    return offset < end ? "ipv6" : this.#transportAt(offset, end, u8[at + 6] as number);
  }

  #transportAt(offset: number, at: number, protocol: number): string {
    if (protocol === IPPROTO_IPIP) return this.#headerAt(offset, at, ETH_P_IP);
    if (protocol === IPPROTO_IPV6) return this.#headerAt(offset, at, ETH_P_IPV6);
    if (protocol !== IPPROTO_GRE) {
      const [name, bytes] = TRANSPORTS.get(protocol) ?? ["payload", 0];
      return offset - at < bytes ? name : "payload";
    }
    // Checksum, key and sequence number are 4 bytes each, where they are (RFC 2890).
    const flags = this.#u8[at] as number;
    const inner = at + 4 + ((flags >> 7) + ((flags >> 5) & 1) + ((flags >> 4) & 1)) * 4;
    if (offset < inner) return "gre";
    const type = this.#half(at + 2);
    if (type !== ETH_P_TEB) return this.#headerAt(offset, inner, type);
    const network = inner + ethernet.HEADER_LENGTH;
    return offset < network ? "ethernet" : this.#headerAt(offset, network, this.#half(network - 2));
  }

  #half(at: number): number {
    return ((this.#u8[at] as number) << 8) | (this.#u8[at + 1] as number);
  }
}
