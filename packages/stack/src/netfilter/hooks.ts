import { SevilleError } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { NetInterface } from "../interface/net-interface.ts";

/** Where a hook sits (include/uapi/linux/netfilter.h). */
export const NF_INET_PRE_ROUTING = 0;
export const NF_INET_LOCAL_IN = 1;
export const NF_INET_FORWARD = 2;
export const NF_INET_LOCAL_OUT = 3;
export const NF_INET_POST_ROUTING = 4;
export type HookPoint = 0 | 1 | 2 | 3 | 4;

/** What a hook says. `stolen` and `queue`: the hook has the packet now and may go on with `state.resume`. */
export type Verdict = "accept" | "drop" | "stolen";

/** `NF_IP_PRI_…`: the order of those who come later (include/uapi/linux/netfilter_ipv4.h). */
export const NF_IP_PRI_RAW = -300;
export const NF_IP_PRI_CONNTRACK = -200;
export const NF_IP_PRI_MANGLE = -150;
export const NF_IP_PRI_NAT_DST = -100;
export const NF_IP_PRI_FILTER = 0;
export const NF_IP_PRI_NAT_SRC = 100;
export const NF_IP_PRI_LAST = 0x7fff_ffff;

/** What a hook is told besides the packet (`struct nf_hook_state`). */
export interface HookState {
  readonly family: 4 | 6;
  readonly point: HookPoint;
  readonly in: NetInterface | undefined;
  readonly out: NetInterface | undefined;
  /** Goes on behind this hook with a packet that it had stolen, now or later (`nf_reinject`). Once. */
  resume(packet: Packet): void;
}

/**
 * Looks at a packet, `data` at the network header. It may change the bytes after {@link Packet.unshare} only if that
 * answers the same packet; a hook that needs another packet steals this one and resumes with the other.
 */
export type Hook = (packet: Packet, state: HookState) => Verdict;

interface Entry {
  readonly hook: Hook;
  readonly priority: number;
}

/** What to do with a packet that every hook let pass. */
export type Continuation = (packet: Packet) => void;

/** The hooks of a host, for both families, at the five points, in the order of priority. */
export class NetfilterHooks {
  readonly #chains: readonly (readonly Entry[])[] = [];
  readonly #drop: (packet: Packet, iface: NetInterface | undefined) => void;

  constructor(drop: (packet: Packet, iface: NetInterface | undefined) => void) {
    this.#drop = drop;
    this.#chains = Array.from({ length: 10 }, () => []);
  }

  /** Adds `hook` and answers the function that takes it away. Equal priorities: first come, first served. */
  register(family: 4 | 6, point: HookPoint, hook: Hook, priority: number = NF_IP_PRI_FILTER): () => void {
    const chains = this.#chains as Entry[][];
    const slot = slotOf(family, point);
    const entry = { hook, priority };
    chains[slot] = [...(chains[slot] as Entry[]), entry].sort((a, b) => a.priority - b.priority);
    return () => {
      chains[slot] = (chains[slot] as Entry[]).filter((other) => other !== entry);
    };
  }

  /** Whether anybody listens there: the packet path skips the closures where not. */
  active(family: 4 | 6, point: HookPoint): boolean {
    return (this.#chains[slotOf(family, point)] as readonly Entry[]).length > 0;
  }

  /** Runs `packet`, which it owns from now on, past the hooks of `point`, and on to `next`. */
  run(
    family: 4 | 6,
    point: HookPoint,
    packet: Packet,
    input: NetInterface | undefined,
    output: NetInterface | undefined,
    next: Continuation,
  ): void {
    this.#from(0, this.#chains[slotOf(family, point)] as readonly Entry[], family, point, packet, input, output, next);
  }

  #from(
    start: number,
    chain: readonly Entry[],
    family: 4 | 6,
    point: HookPoint,
    packet: Packet,
    input: NetInterface | undefined,
    output: NetInterface | undefined,
    next: Continuation,
  ): void {
    for (let i = start; i < chain.length; i++) {
      const { hook } = chain[i] as Entry;
      let resumed = false;
      const verdict = hook(packet, {
        family,
        point,
        in: input,
        out: output,
        resume: (later) => {
          if (resumed) throw new SevilleError("ERR_RESUMED_TWICE", "the packet was resumed before", "resume");
          resumed = true;
          this.#from(i + 1, chain, family, point, later, input, output, next);
        },
      });
      if (verdict === "stolen") return;
      if (verdict === "drop") {
        this.#drop(packet, output ?? input);
        return;
      }
    }
    next(packet);
  }
}

function slotOf(family: 4 | 6, point: HookPoint): number {
  return (family === 4 ? 0 : 5) + point;
}
