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
  /** Wire minus script, of this end's sequence numbers; `undefined` until a SYN of this end was seen. */
  #localOffset: number | undefined;
  /** The peer's initial sequence number, once it sent a SYN. */
  remoteIsn: number | undefined;
  /** What the program writes is the pattern: the script gave no text of its own to send. */
  sendsPattern = true;
  /** This end's initial sequence number in the script. */
  scriptIsn = 0;
  readonly #timestamps: Map<number, number> = new Map();
  #firstTimestamp: { readonly script: number; readonly wire: number } | undefined;

  /** The SYN of this end was seen: `wire` stands for `script`. */
  setLocalIsn(script: number, wire: number): void {
    this.scriptIsn = script;
    this.#localOffset = (wire - script) >>> 0;
  }

  /** A sequence number of this end, as on the wire. */
  toWire(script: number): number {
    return (script + (this.#localOffset ?? 0)) >>> 0;
  }

  /** A sequence number of this end, as the script counts. */
  toScript(wire: number): number {
    return (wire - (this.#localOffset ?? 0)) >>> 0;
  }

  get knowsLocalIsn(): boolean {
    return this.#localOffset !== undefined;
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
