import type { DropReason } from "@seville/core";
import type { IpAddress, Packet } from "@seville/packet";
import { decapsulate } from "./decapsulate.ts";
import { encapsulate } from "./encapsulate.ts";
import { encapsulationOf } from "./kinds.ts";
import type { PortEntropy } from "../policy/source-port.ts";
import type { Tunnel } from "./config.ts";
import type { TunnelContext } from "./context.ts";
import type { Encapsulation, TunnelParts, TunnelState } from "./encapsulation.ts";
import { newInfo, type TunnelInfo } from "./info.ts";
import { overheadOf, type Overhead } from "./overhead.ts";
import type { OuterPath } from "./path.ts";
import { policyOf, type Preset, type TunnelPolicy } from "./presets.ts";
import { countRxDrop, countTxDrop, newStats, type TunnelStats } from "./stats.ts";

/**
 * What {@link TunnelEndpoint.encapsulate} did: `ok`; `segment`: the super-packet is wrapped once already and must be
 * segmented first (T14), nothing has changed; else why the packet cannot be sent.
 */
export type EncapsulationResult = "ok" | "segment" | DropReason;

/**
 * One end of one tunnel: a configuration, its counters and its sequence numbers. It has no device and no route: whoever has
 * them hands packets in and takes them on.
 *
 * ```ts
 * const context = createTunnelContext(pool.memory, { seed });
 * const endpoint = new TunnelEndpoint({ kind: "vxlan", id: 42, local, remote }, context);
 * if (endpoint.encapsulate(frame) === "ok") transmit(frame);
 * ```
 */
export class TunnelEndpoint implements TunnelParts {
  readonly tunnel: Tunnel;
  readonly policy: TunnelPolicy;
  readonly context: TunnelContext;
  readonly state: TunnelState = { oSeqno: 0, iSeqno: undefined };
  readonly stats: TunnelStats = newStats();
  /** Of the packet that was decapsulated last. */
  readonly info: TunnelInfo = newInfo();
  /** Bytes that wrapping adds. */
  readonly overhead: Overhead;
  readonly entropy: PortEntropy;
  readonly encapsulation: Encapsulation;

  constructor(tunnel: Tunnel, context: TunnelContext, preset: Preset = "linux") {
    this.tunnel = tunnel;
    this.policy = policyOf(tunnel, preset);
    this.context = context;
    this.encapsulation = encapsulationOf(tunnel);
    this.overhead = overheadOf(tunnel, this.policy, this.encapsulation);
    this.entropy = {
      ports: this.policy.sourcePorts,
      hashSeed: context.hashSeed,
      fallbackHash: context.fallbackHash,
    };
  }

  /** Whether it carries Ethernet frames, not IP packets. */
  get isEthernet(): boolean {
    return this.encapsulation.isEthernet(this.tunnel);
  }

  /**
   * Wraps the packet in place. Its data begins with the Ethernet header (of a tunnel that carries frames) or with that of
   * `packet.protocol`. Afterwards it begins with the outer IP header, `protocol`, `networkHeader` and `transportHeader`
   * are the outer ones, and the checksum may be PARTIAL. If the result is not `ok` the packet is still the caller's, in an
   * undefined state unless it is `segment`: drop it.
   */
  encapsulate(packet: Packet, path: OuterPath = {}): EncapsulationResult {
    const bytes = packet.totalLength;
    const result = encapsulate(this, this.encapsulation, packet, path);
    if (result === "ok") {
      this.stats.txPackets++;
      this.stats.txBytes += bytes;
    } else if (result !== "segment") countTxDrop(this.stats, result);
    return result;
  }

  /**
   * Unwraps the packet without a copy. Its data begins behind the outer IP header (and its extension headers), which
   * `networkHeader` points to. Afterwards it begins with the inner Ethernet or IP header, `networkHeader` and `protocol` are
   * the inner ones, and {@link TunnelEndpoint.info} tells what was taken off. Returns `undefined`, or why to drop the
   * packet, which is still the caller's.
   */
  decapsulate(packet: Packet): DropReason | undefined {
    const reason = decapsulate(this, this.encapsulation, packet, this.info);
    if (reason === undefined) {
      this.stats.rxPackets++;
      this.stats.rxBytes += packet.totalLength;
    } else countRxDrop(this.stats, reason);
    return reason;
  }

  /** Whether a packet from `source` to `destination`, of the underlay, can be of this tunnel by its addresses. */
  accepts(source: IpAddress, destination: IpAddress): boolean {
    const { local, remote } = this.tunnel;
    return destination === local && (remote === undefined || remote === source);
  }
}
