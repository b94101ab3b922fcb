import type { ComplianceOptions } from "./compliance.ts";
import type { Engine } from "./engine.ts";
import { type Nanos, NS_PER_SEC } from "./nanos.ts";

/** How a story is told with a twist that must make no difference. */
export interface DriverMode {
  /** Calls handleTimeout halfway to each deadline as well. */
  readonly early?: boolean;
  /** Calls handleTimeout this much after each deadline. */
  readonly late?: Nanos;
  /** Polls again after draining. */
  readonly pollTwice?: boolean;
  /** Lets the owner overwrite inputs. */
  readonly reuse?: boolean;
}

/** What a driver can find wrong. */
export type Violation = "endless" | "restless" | "poll" | "spin" | "timeout" | "departure";

/** So many outputs or events for one input are taken for an endless stream. */
const MANY = 10_000;
/** So many deadlines in one `advance` are taken for a spin. */
const MANY_DEADLINES = 1_000_000;

/**
 * Drives one engine by the book: a clock that never goes back, draining after every input, timeouts when they are due.
 * Writes down all that the engine says, and what it does that it must not.
 */
export class ComplianceDriver<Input, Meta, Output, UserEvent, E extends Engine<Input, Meta, Output, UserEvent>> {
  readonly engine: E;
  /** All outputs and events in order, each with its time. */
  readonly transcript: string[] = [];
  /** The first violation of each kind. */
  readonly violations: Map<Violation, string> = new Map<Violation, string>();
  readonly #options: ComplianceOptions<Input, Meta, Output, UserEvent, E>;
  readonly #mode: DriverMode;
  #outputs: Output[] = [];
  #events: UserEvent[] = [];
  #now: Nanos;
  /** It never stops talking: nothing more is asked of it. */
  #endless = false;

  constructor(options: ComplianceOptions<Input, Meta, Output, UserEvent, E>, mode: DriverMode) {
    this.#options = options;
    this.#mode = mode;
    this.#now = options.start ?? NS_PER_SEC;
    this.engine = options.make();
  }

  get now(): Nanos {
    return this.#now;
  }

  /** Something arrives. */
  handle(input: Input, meta: Meta): void {
    this.engine.handle(input, meta, this.#now);
    if (this.#mode.reuse === true) this.#options.reuse?.(input);
    this.#drain();
  }

  /** The user calls one of the engine's own methods. */
  call(act: (engine: E, now: Nanos) => void): void {
    act(this.engine, this.#now);
    this.#drain();
  }

  /** Lets `duration` pass and calls handleTimeout whenever it is due. */
  advance(duration: Nanos): void {
    const end = this.#now + duration;
    for (let i = 0; i < MANY_DEADLINES; i++) {
      const due = this.#nextTimeout();
      if (!(due <= end)) break;
      if (this.#mode.early === true && due > this.#now + 1)
        this.#timeout(this.#now + Math.floor((due - this.#now) / 2));
      this.#timeout(Math.max(this.#now, due + (this.#mode.late ?? 0)));
      if (this.#nextTimeout() > this.#now) continue;
      this.#violate("spin", `nextTimeout() is ${this.engine.nextTimeout()} after handleTimeout(${this.#now})`);
      break;
    }
    this.#now = Math.max(this.#now, end);
  }

  /** The outputs since the last call, for a story that feeds them to a peer. */
  takeOutputs(): Output[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /** The events since the last call. */
  takeEvents(): UserEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #timeout(at: Nanos): void {
    this.#now = at;
    this.engine.handleTimeout(at);
    this.#drain();
  }

  #drain(): void {
    if (this.#endless) return;
    for (let i = 0; ; i++) {
      const output = this.engine.poll(this.#now);
      const event = this.engine.pollEvent();
      if (output !== undefined) this.#hear(output);
      if (event !== undefined) {
        this.#events.push(event);
        this.transcript.push(`${this.#now} event ${this.#options.describeEvent(event)}`);
      }
      if (output === undefined && event === undefined) break;
      if (i < MANY) continue;
      this.#endless = true;
      this.#violate("endless", `still speaks after ${MANY} polls`);
      return;
    }
    if (this.#mode.pollTwice === true) this.#pollAgain();
  }

  #hear(output: Output): void {
    this.#outputs.push(output);
    this.transcript.push(`${this.#now} output ${this.#options.describeOutput(output)}`);
    const departure = this.#options.departure?.(output);
    if (departure !== undefined && !(departure >= this.#now)) {
      this.#violate("departure", `an output wants to leave at ${departure}`);
    }
  }

  #pollAgain(): void {
    const deadline = this.engine.nextTimeout();
    for (let i = 0; i < 3; i++) {
      const output = this.engine.poll(this.#now);
      const event = this.engine.pollEvent();
      if (output !== undefined) {
        this.#violate("restless", `an output after poll and pollEvent both answered undefined`);
        this.#hear(output);
      }
      if (event !== undefined) this.#violate("restless", `an event after poll and pollEvent both answered undefined`);
    }
    const after = this.engine.nextTimeout();
    if (!Object.is(after, deadline))
      this.#violate("poll", `nextTimeout() went from ${deadline} to ${after} by polling`);
  }

  #nextTimeout(): Nanos {
    const at = this.engine.nextTimeout();
    if (typeof at === "number" && at >= 0) return at;
    this.#violate("timeout", `nextTimeout() is ${String(at)}`);
    return Infinity;
  }

  #violate(kind: Violation, detail: string): void {
    if (!this.violations.has(kind)) this.violations.set(kind, `at ${this.#now} ns: ${detail}`);
  }
}
