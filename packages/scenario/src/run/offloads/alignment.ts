import { TunnelDevice } from "@seville/stack/tunnel";
import type { Host, NetInterface } from "@seville/stack";
import { headersHash, newRealignCosts, realign, type RealignCosts, type RealignPolicy } from "@seville/tunnel-encap";
import type { Packet } from "@seville/packet";
import type { PartRuntime, World } from "../world.ts";
import type { AlignmentResult } from "./alignment-result.ts";

/** One host that minds. */
interface Watched {
  readonly host: Host;
  readonly policy: RealignPolicy;
  readonly costs: RealignCosts;
  /** Flow hashes of what was unwrapped. */
  readonly flows: Set<number>;
}

/** IPv6 with TCP and its options: the dissector reads no further. */
const HEADER_BYTES = 120;
/** Any seed does: hashes are told apart, and not looked at. */
const HASH_SEED = 1;

const watches = new WeakMap<World, Watched[]>();

/** `alignment` of hosts: tunnels treat what they unwrap by the policy, then the flow dissector reads it, then the stack. */
export const alignment: PartRuntime = {
  build(world, phase) {
    if (phase !== "addresses") return;
    const watched: Watched[] = [];
    for (const [name, { alignment: spec }] of Object.entries(world.scenario.hosts)) {
      const host = world.hosts.get(name);
      if (spec === undefined || host === undefined) continue;
      const { policy = "leave" } = spec;
      const one = { host, policy, costs: newRealignCosts(), flows: new Set<number>() };
      watched.push(one);
      for (const iface of host.interfaces) watch(iface, one);
    }
    watches.set(world, watched);
  },
  finish: (world) => ({ alignment: (watches.get(world) ?? []).map(resultOf) }),
};

function watch({ device }: NetInterface, one: Watched): void {
  if (!(device instanceof TunnelDevice)) return;
  const { policy, costs } = one;
  const { alignment: traps } = one.host;
  device.onDecapsulated = (packet) => {
    const at = realign(packet, policy, costs);
    if (traps === undefined) dissect(one, packet, at);
    else traps.watch("dissector", packet, () => dissect(one, packet, at));
  };
}

/** As receive packet steering asks for it, before any protocol (`skb_get_hash` in `get_rps_cpu`). */
function dissect({ flows }: Watched, packet: Packet, at: number): void {
  const length = Math.min(packet.tail - packet.networkHeader, HEADER_BYTES);
  const hash = headersHash(packet.pool.memory.view, at, at + length, packet.protocol, HASH_SEED);
  if (hash !== 0) flows.add(hash);
}

function resultOf({ host, policy, costs, flows }: Watched): AlignmentResult {
  const { packets, misaligned, bytesCopied } = costs[policy];
  const { name, arch, alignment: traps } = host;
  return {
    host: name,
    arch,
    policy,
    packets,
    misaligned,
    bytesCopied,
    flows: flows.size,
    traps: Object.fromEntries(traps?.byProtocol ?? []),
    callers: Object.fromEntries(traps?.byCaller ?? []),
    totalTraps: traps?.total ?? 0,
  };
}
