import { tcp } from "@seville/packet";
import type { AccEcnHandshake } from "./parts.ts";
import { CE, ECT_0, ECT_1, NOT_ECT } from "./wire/numbers.ts";

/** The three flags as a number: AE is the high bit (RFC 9768 §3.2.2). */
export function aceOf(flags: number): number {
  return ((flags & tcp.AE) !== 0 ? 4 : 0) | ((flags & tcp.CWR) !== 0 ? 2 : 0) | ((flags & tcp.ECE) !== 0 ? 1 : 0);
}

export function flagsOfAce(ace: number): number {
  return ((ace & 4) !== 0 ? tcp.AE : 0) | ((ace & 2) !== 0 ? tcp.CWR : 0) | ((ace & 1) !== 0 ? tcp.ECE : 0);
}

/** How SYN/ACK and third ACK say with which codepoint the packet before them came (RFC 9768 §3.1.1, table 2). */
const ACE_BY_ECN = { [NOT_ECT]: 0b010, [ECT_1]: 0b011, [ECT_0]: 0b100, [CE]: 0b110 } as const;
/** The reverse; -1: the value says something else. */
const ECN_BY_ACE = [-1, -1, NOT_ECT, ECT_1, ECT_0, -1, CE, -1] as const;

/** {@link AccEcnHandshake.readThirdAck} of a value that is allowed and says nothing (RFC 9768 §3.2.2.1, table 4). */
export const NO_FEEDBACK = -2;

/** The negotiation of AccECN (RFC 9768 §3.1). */
export const accEcnHandshake: AccEcnHandshake = {
  synFlags: () => flagsOfAce(0b111),

  synAckFlags: (ipEcnOfSyn) => flagsOfAce(ACE_BY_ECN[(ipEcnOfSyn & 3) as keyof typeof ACE_BY_ECN]),

  readSynAck(flags) {
    const ace = aceOf(flags);
    const ipEcnSeen = ECN_BY_ACE[ace] as number;
    if (ipEcnSeen >= 0) return { mode: "accecn", ipEcnSeen };
    // 101 is reserved, once for nonces: their speakers know classic ECN. 000 does not, and 111 is a mirror that does not.
    return { mode: ace === 0b001 || ace === 0b101 ? "ecn" : "none", ipEcnSeen: NOT_ECT };
  },

  thirdAckAce: (ipEcnOfSynAck) => ACE_BY_ECN[(ipEcnOfSynAck & 3) as keyof typeof ACE_BY_ECN],

  readThirdAck(ace) {
    if (ace === 0) return -1;
    const ipEcn = ECN_BY_ACE[ace & 7] as number;
    return ipEcn >= 0 ? ipEcn : NO_FEEDBACK;
  },
};

/** A server that speaks AccECN takes every SYN with one of the flags for a request, but the classic one (§3.1.2). */
export function requestsAccEcn(synFlags: number): boolean {
  const ace = aceOf(synFlags);
  return ace !== 0 && ace !== 0b011;
}

/** Whether an IP-ECN field can have become `seen` on the way when it was `sent` (`tcp_ect_transition_valid`). */
export function isEcnTransition(sent: number, seen: number): boolean {
  if (sent === seen) return true;
  return sent !== NOT_ECT && seen !== NOT_ECT && sent !== CE;
}
