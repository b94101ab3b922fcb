import type { DropReason } from "@seville/core";
import type { CrossingResult, KernelResult, WireProtocol } from "../results.ts";
import { countFlows, type WireFlow } from "./wire-flows.ts";

/** A namespace whose kernel's counters were read twice: when its attachment was open, and at the end. */
export interface KernelReading {
  readonly attachment: string;
  readonly netns: string;
  readonly before: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
}

const PROTOCOLS: readonly WireProtocol[] = ["icmp-echo", "udp", "tcp"];

/** What a namespace's kernel counted beside what passed its attachment. */
export function kernelResult(reading: KernelReading, flows: readonly WireFlow[]): KernelResult {
  const { attachment, netns } = reading;
  const counters = growth(reading);
  const here = (end: string): boolean => end === attachment;
  const protocols = PROTOCOLS.map((protocol) => {
    const wire = countFlows(
      flows.filter((flow) => flow.protocol === protocol),
      here,
    );
    const tcp6 = countFlows(
      flows.filter((flow) => flow.protocol === "tcp" && flow.isIpv6),
      here,
    ).left;
    return { protocol, ...packetsOf(protocol, counters, tcp6), entered: wire.entered, left: wire.left };
  });
  const seen = protocols.filter(({ sent, received, entered, left }) => sent + received + entered + left > 0);
  return { attachment, netns, counters, protocols: seen };
}

/** What went missing between kernels, beside what links dropped. Protocols that simulated hosts took part in are left out. */
export function crossingResults(
  kernels: readonly KernelResult[],
  flows: readonly WireFlow[],
  hostAddresses: ReadonlySet<string>,
): CrossingResult[] {
  return PROTOCOLS.flatMap((protocol) => {
    const own = flows.filter((flow) => flow.protocol === protocol);
    const isAlien = own.some(({ source, destination }) => hostAddresses.has(source) || hostAddresses.has(destination));
    if (own.length === 0 || isAlien) return [];
    const books = kernels.flatMap(({ protocols }) => protocols.filter((each) => each.protocol === protocol));
    const sent = books.reduce((sum, each) => sum + each.sent, 0);
    const received = books.reduce((sum, each) => sum + each.received, 0);
    const { drops } = countFlows(own, () => false);
    const dropped = Object.values<number>(drops as Record<DropReason, number>).reduce((sum, count) => sum + count, 0);
    return [{ protocol, sent, received, missing: sent - received, dropped, drops }];
  });
}

/**
 * Packets of a protocol, by Linux's counters. Retransmitted segments are not in OutSegs. Datagrams count as received (InDatagrams)
 * only when a program reads them: those that arrived are what IP received beside multicasts, TCP and ICMP.
 *
 * @param tcp6 TCP segments that came by IPv6, for TCP's counters do not tell
 */
function packetsOf(
  protocol: WireProtocol,
  counters: Readonly<Record<string, number>>,
  tcp6: number,
): { sent: number; received: number } {
  const sum = (...names: readonly string[]): number => names.reduce((all, name) => all + (counters[name] ?? 0), 0);
  switch (protocol) {
    case "icmp-echo":
      return {
        sent: sum("IcmpOutEchos", "IcmpOutEchoReps", "Icmp6OutEchos", "Icmp6OutEchoReplies"),
        received: sum("IcmpInEchos", "IcmpInEchoReps", "Icmp6InEchos", "Icmp6InEchoReplies"),
      };
    case "tcp":
      return { sent: sum("TcpOutSegs", "TcpRetransSegs"), received: sum("TcpInSegs") };
    case "udp": {
      const others = sum("IpExtInMcastPkts", "IpExtInBcastPkts", "IcmpInMsgs", "TcpInSegs") - tcp6;
      const ipv6 = sum("Udp6InDatagrams", "Udp6NoPorts", "Udp6InErrors");
      return { sent: sum("UdpOutDatagrams", "Udp6OutDatagrams"), received: sum("IpInReceives") - others + ipv6 };
    }
  }
}

/** Counters that grew, by how much. */
function growth({ before, after }: KernelReading): Record<string, number> {
  const grown: Record<string, number> = {};
  for (const [name, value] of Object.entries(after)) {
    const more = value - (before[name] ?? 0);
    if (more > 0) grown[name] = more;
  }
  return grown;
}
