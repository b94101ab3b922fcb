import type { Nanos } from "./nanos.ts";

/**
 * The one contract of every protocol engine: sans-IO, told things and asked for things.
 *
 * The driver's duties: call the inputs ({@link Engine.handle}, {@link Engine.handleTimeout}, the engine's own methods)
 * with a time that never goes back; after *every* input drain {@link Engine.poll} and {@link Engine.pollEvent} until
 * both answer `undefined`; then ask {@link Engine.nextTimeout} and come back no later than that.
 *
 * The engine's promises: no clock, socket, timer, log or randomness of its own; bytes from the wire never throw;
 * `handle` borrows the packet until it returns unless it takes it; polling changes nothing but what it hands over;
 * after `handleTimeout(now)` and draining, `nextTimeout() > now`, so that a driver cannot spin.
 *
 * `runCompliance` in `@seville/core/compliance` holds an engine to them.
 */
export interface Engine<Input, Meta, Output, UserEvent> {
  /** Something arrived. `meta` says what is not in the bytes: addresses, scope id, ECN, flow label, receive time. */
  handle(packet: Input, meta: Meta, now: Nanos): void;
  /** The time that {@link Engine.nextTimeout} named has come (or passed). Early calls are harmless. */
  handleTimeout(now: Nanos): void;
  /** What goes out next, or `undefined`. An output carries its own addressing and its departure time. */
  poll(now: Nanos): Output | undefined;
  /** What the user should know next, or `undefined`. */
  pollEvent(): UserEvent | undefined;
  /** When {@link Engine.handleTimeout} must be called at the latest; `Infinity`: never. */
  nextTimeout(): Nanos;
}
