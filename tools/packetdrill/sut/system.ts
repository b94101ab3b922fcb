import type { Nanos } from "../../../packages/core/src/index.ts";

/**
 * The system under test: what packetdrill has of a kernel. A script's runner knows nothing else of it, so that a stack of
 * another make, or a scripted one in a test, can stand in.
 *
 * Calls never wait. A call that fails throws an {@link ErrnoError}; one that would wait throws `EAGAIN`, and the runner, which knows
 * whether the descriptor blocks, asks again after every event.
 */
export interface SystemUnderTest {
  readonly now: Nanos;
  /** When something happens next by itself; `Infinity`: never. */
  nextEvent(): Nanos;
  /** Lets time pass up to `until`, with everything that is due then. */
  runUntil(until: Nanos): void;
  /** An IP packet comes in through the TUN device. */
  inject(packet: Uint8Array): void;
  /** The oldest packet that left through the TUN device and was not taken yet. */
  take(): CapturedPacket | undefined;
  /** `socket(2)`. */
  socket(domain: string, type: string, protocol: string): SutSocket;
  /** Sets a sysctl by its Linux name, or a knob; `false`: there is no such setting. */
  configure(name: string, value: string): boolean;
  /** What `ss -tan` shows. */
  connections(): readonly ConnectionRow[];
  /** `tcpdrop -s STATE`: takes the connections in this state out of the world, without a word to their peers. */
  drop(state: string): number;
  /** MIB counters by the names of `nstat`. */
  counters(): ReadonlyMap<string, number>;
  /** `ethtool -K … tso on`: whether the device takes super-packets. */
  setSegmentationOffload(on: boolean): void;
  /** `ip link set dev tun0 mtu N`. */
  setMtu(mtu: number): void;
  /** `ip route change … KEY VALUE`; `false`: no such attribute. */
  setRoute(attributes: ReadonlyMap<string, string>): boolean;
  /** `ip tcp_metrics flush`. */
  flushMetrics(): void;
  /** Takes the world apart and says what was not as it should be (packets that leaked). */
  close(): readonly string[];
}

/** A packet as the TUN device got it. */
export interface CapturedPacket {
  readonly at: Nanos;
  /** From the IP header on. */
  readonly bytes: Uint8Array;
  /** Payload bytes per segment of a super-packet; 0: it is none. */
  readonly gsoSize: number;
  /** The checksum of the transport header is finished. */
  readonly summed: boolean;
}

export interface ConnectionRow {
  /** As BSD's sockstat writes it: `ESTABLISHED`, `SYN_RCVD`, `TIME_WAIT` … */
  readonly state: string;
  readonly family: 4 | 6;
  readonly localPort: number;
  readonly remotePort: number;
}

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
  /** `AF_UNSPEC` and the like, where it is not that of the address. */
  readonly family?: string;
}

/** What `poll(2)` reports, by the kernel's bits. */
export const POLLIN = 0x001;
export const POLLPRI = 0x002;
export const POLLOUT = 0x004;
export const POLLERR = 0x008;
export const POLLHUP = 0x010;
export const POLLRDHUP = 0x2000;

export interface SendOptions {
  /** `MSG_MORE`, `MSG_OOB`, `MSG_FASTOPEN`, `MSG_EOR` … beside MSG_DONTWAIT and MSG_NOSIGNAL, which are the runner's affair. */
  readonly flags: ReadonlySet<string>;
  readonly to: SocketAddress | undefined;
}

/** Values of socket options: a number, a text (`TCP_CONGESTION`), bytes (`TCP_FASTOPEN_KEY`) or a structure's fields. */
export type OptionValue = number | string | Uint8Array | Readonly<Record<string, number>>;

/** A socket of the system under test. All methods may throw {@link ErrnoError}. */
export interface SutSocket {
  bind(address: SocketAddress): void;
  listen(backlog: number): void;
  /** @throws EAGAIN while there is none */
  accept(): SutSocket;
  /** Begins to connect: throws EINPROGRESS unless that is done at once. */
  connect(address: SocketAddress): void;
  /** How many bytes were taken; at least one, or EAGAIN. */
  send(data: Uint8Array, options: SendOptions): number;
  /** At most `length` bytes; none at the end of the stream; EAGAIN while there are none. */
  receive(length: number, flags: ReadonlySet<string>): Uint8Array;
  shutdown(how: "SHUT_RD" | "SHUT_WR" | "SHUT_RDWR"): void;
  close(): void;
  setOption(level: string, name: string, value: OptionValue): void;
  getOption(level: string, name: string): OptionValue;
  /** `SIOCINQ`, `SIOCOUTQ`, `SIOCOUTQNSD`, `SIOCATMARK`. */
  ioctl(request: string): number;
  /** Fields of `struct tcp_info`, by the kernel's names: `tcpi_snd_cwnd`. */
  tcpInfo(): Readonly<Record<string, number>>;
  /** Bits of `POLL…`. */
  poll(): number;
  /** The port at this end; 0: none yet. */
  localPort(): number;
}

/** A call failed. `code` is the errno's name. */
export class ErrnoError extends Error {
  override readonly name: string = "ErrnoError";
  readonly code: string;

  constructor(code: string, message: string = code) {
    super(message);
    this.code = code;
  }
}
