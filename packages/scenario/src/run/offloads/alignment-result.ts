/** What misaligned headers were to one host. */
export interface AlignmentResult {
  readonly host: string;
  readonly arch: "x86" | "strict-align";
  readonly policy: "leave" | "shift-headers" | "fix-gre";
  /** Packets that came out of tunnels, and those of them whose network header was misaligned. */
  readonly packets: number;
  readonly misaligned: number;
  /** Bytes that the policy copied. */
  readonly bytesCopied: number;
  /** Flows that the dissector told apart in them. */
  readonly flows: number;
  /** Misaligned words that the host touched on its way in, by protocol, frames from the wire included; each trapped. */
  readonly traps: Readonly<Record<string, number>>;
  /** The same by who touched them: `gro`, `dissector` (the flow hash of what was unwrapped), `stack`. */
  readonly callers: Readonly<Record<string, number>>;
  readonly totalTraps: number;
}
