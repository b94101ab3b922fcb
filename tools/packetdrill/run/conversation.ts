import type { SutSocket } from "../sut/system.ts";

/** How far a conversation has come, as the script's lines tell it. */
export type ConversationState =
  "new" | "listening" | "connecting" | "syn-sent" | "packet-received" | "synack-sent" | "synack-acked" | "datagram";

/**
 * One socket of the script with its peer, and how the numbers of the script map to those on the wire: ports, initial sequence
 * numbers, timestamps. The peer's own numbers need no mapping: the runner makes its packets.
 */
export class Conversation {
  state: ConversationState = "new";
  fd: number | undefined;
  socket: SutSocket | undefined;
  localPort = 0;
  remotePort = 0;
  /** This end's initial sequence number on the wire; `undefined` until a SYN of it was seen. */
  #localIsn: number | undefined;
  /** The peer's initial sequence number, once it sent a SYN: there it has on the wire what the script says. */
  remoteIsn: number | undefined;
  /** What the program writes is the pattern: the script gave no text of its own to send. */
  sendsPattern = true;
  /** This end's initial sequence number in the script's SYN. */
  #scriptIsn = 0;
  readonly #timestamps: Map<number, number> = new Map();
  #firstTimestamp: { readonly script: number; readonly wire: number } | undefined;

  /** The SYN of this end was seen: `wire` stands for `script`. */
  setLocalIsn(script: number, wire: number): void {
    this.#scriptIsn = script;
    this.#localIsn = wire;
  }

  get knowsLocalIsn(): boolean {
    return this.#localIsn !== undefined;
  }

  /**
   * What is to be added to the script's numbers of this end to have the wire's. In a SYN the script gives an initial sequence number of its
   * own; everywhere else it counts from the SYN, which is 0.
   */
  localOffset(isSyn: boolean): number {
    return this.#localIsn === undefined ? 0 : (this.#localIsn - (isSyn ? this.#scriptIsn : 0)) >>> 0;
  }

  /** The same of the peer's numbers: those of a SYN are on the wire as they are. */
  remoteOffset(isSyn: boolean): number {
    return isSyn ? 0 : (this.remoteIsn ?? 0);
  }

  /** Notes that the segment for which the script has `TS val script` carried `wire`; `undefined`: the script has no value for it. */
  noteTimestamp(script: number | undefined, wire: number): void {
    if (script === undefined) return;
    this.#timestamps.set(script, wire);
    this.#firstTimestamp ??= { script, wire };
  }

  /** A timestamp of this end, as the script counts: by its distance from the first one. */
  timestampToScript(wire: number): number {
    const first = this.#firstTimestamp;
    return first === undefined ? wire : (first.script + (wire - first.wire)) >>> 0;
  }

  /** The value on the wire that the script's `ecr` echoes. */
  timestampToWire(script: number): number | undefined {
    return this.#timestamps.get(script);
  }
}
