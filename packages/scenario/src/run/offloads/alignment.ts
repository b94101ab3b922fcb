import { TunnelDevice } from "@seville/stack/tunnel";
import type { Host, NetInterface } from "@seville/stack";
import { newRealignCosts, realign, WordReader, type RealignCosts, type RealignPolicy } from "@seville/tunnel-encap";
import type { PartRuntime, World } from "../world.ts";
import type { AlignmentResult } from "./alignment-result.ts";

/** One host that minds. */
interface Watched {
  readonly host: string;
  readonly policy: RealignPolicy;
  readonly reader: WordReader;
  readonly costs: RealignCosts;
}

/** IPv6 with TCP and its options: no more of the headers is read. */
const HEADER_BYTES = 120;

const watches = new WeakMap<World, Watched[]>();

/** `alignment` of hosts: headers are read as the processor would, and tunnels treat what they unwrap by the policy. */
export const alignment: PartRuntime = {
  build(world, phase) {
    if (phase !== "addresses") return;
    const watched: Watched[] = [];
    for (const [name, { alignment: spec }] of Object.entries(world.scenario.hosts)) {
      const host = world.hosts.get(name);
      if (spec === undefined || host === undefined) continue;
      const { arch = "x86", policy = "leave" } = spec;
      const one = { host: name, policy, reader: new WordReader(arch), costs: newRealignCosts() };
      watched.push(one);
      for (const iface of host.interfaces) watch(host, iface, one);
    }
    watches.set(world, watched);
  },
  finish: (world) => ({ alignment: (watches.get(world) ?? []).map(resultOf) }),
};

function watch(host: Host, iface: NetInterface, { policy, reader, costs }: Watched): void {
  const { device } = iface;
  if (device instanceof TunnelDevice) {
    device.onDecapsulated = (packet) => {
      const at = realign(packet, policy, costs);
      const length = Math.min(packet.tail - packet.networkHeader, HEADER_BYTES);
      reader.readHeaders(packet, at, at + length);
    };
  } else if (!iface.isLoopback) {
    host.taps.add((packet, _iface, direction) => {
      if (direction === "in") reader.readHeaders(packet);
    }, iface);
  }
}

function resultOf({ host, policy, reader, costs }: Watched): AlignmentResult {
  const { packets, misaligned, bytesCopied } = costs[policy];
  const { arch, totalTraps } = reader;
  return { host, arch, policy, packets, misaligned, bytesCopied, traps: Object.fromEntries(reader.traps), totalTraps };
}
