import { type Engine, millis, type Nanos, NEVER, seconds } from "../src/index.ts";

export interface ToyOutput {
  readonly bytes: Uint8Array;
  readonly departAt: Nanos;
}

/**
 * A small protocol that does all that the contract speaks of: it answers `[1, id, …data]` with `[2, id, …data]` 10 ms later,
 * tells the user of each, and sends a keepalive `[3]` every second.
 */
export class ToyEngine implements Engine<Uint8Array, undefined, ToyOutput, string> {
  protected readonly outputs: ToyOutput[] = [];
  protected readonly events: string[] = [];
  protected replies: { at: Nanos; bytes: Uint8Array }[] = [];
  protected keepaliveAt: Nanos = NEVER;

  open(now: Nanos): void {
    this.keepaliveAt = now + seconds(1);
    this.events.push("open");
  }

  handle(packet: Uint8Array, _meta: undefined, now: Nanos): void {
    if (packet.length < 2 || packet[0] !== 1) return;
    const bytes = packet.slice();
    bytes[0] = 2;
    this.replies.push({ at: now + millis(10), bytes });
    this.events.push(`request ${bytes[1]}`);
  }

  handleTimeout(now: Nanos): void {
    while (this.replies[0] !== undefined && this.replies[0].at <= now) {
      this.outputs.push({ bytes: this.replies.shift()!.bytes, departAt: now });
    }
    if (now < this.keepaliveAt) return;
    this.outputs.push({ bytes: Uint8Array.of(3), departAt: now + 5 });
    this.keepaliveAt = now + seconds(1);
  }

  poll(now: Nanos): ToyOutput | undefined {
    // What leaves later waits here, as a pacer would have it.
    return (this.outputs[0]?.departAt ?? 0) <= now + 5 ? this.outputs.shift() : undefined;
  }

  pollEvent(): string | undefined {
    return this.events.shift();
  }

  nextTimeout(): Nanos {
    return Math.min(this.replies[0]?.at ?? NEVER, this.keepaliveAt);
  }
}
