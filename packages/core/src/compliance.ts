/**
 * Holds any {@link Engine} to the promises that its contract states (engine.ts). Free of any test framework:
 *
 * ```ts
 * for (const { promise, run } of runCompliance({ make, drive, describeOutput, describeEvent, … })) test(promise, run);
 * ```
 *
 * @packageDocumentation
 */
import { ComplianceDriver, type DriverMode } from "./compliance-driver.ts";
import type { Engine } from "./engine.ts";
import { SevilleError } from "./errors.ts";
import { millis, type Nanos, seconds } from "./nanos.ts";
import { createRandom, type Random } from "./random.ts";

export { ComplianceDriver } from "./compliance-driver.ts";

/** How the suite makes, drives and reads an engine. */
export interface ComplianceOptions<Input, Meta, Output, UserEvent, E extends Engine<Input, Meta, Output, UserEvent>> {
  /** A fresh engine in its first state, each time the same: same configuration, same seed. */
  make(): E;
  /**
   * The story: brings the engine to life, feeds it what a peer would say, lets time pass so that timers fire. It makes its
   * inputs anew each time and gets at everything through the driver. The more of the engine it reaches, the more the suite sees.
   */
  drive(driver: ComplianceDriver<Input, Meta, Output, UserEvent, E>): void;
  /** The output as text, all that matters of it: bytes, addressing, departure time. */
  describeOutput(output: Output): string;
  describeEvent(event: UserEvent): string;
  /** An input that holds these bytes as if they had come from the wire. */
  fromBytes(bytes: Uint8Array): { readonly input: Input; readonly meta: Meta };
  /** Well-formed wire bytes, to be cut and mutated. Without them garbage is only random. */
  readonly samples?: readonly Uint8Array[];
  /** What the owner does with an input once `handle` has returned and the engine has not taken it: overwrite it, give it back. */
  reuse?(input: Input): void;
  /** When an output wants to leave; absent: outputs leave at once. */
  departure?(output: Output): Nanos;
  /** The world's first moment in the story. Default 1 s. */
  readonly start?: Nanos;
}

/** A promise, and a function that throws if the engine breaks it. */
export interface ComplianceCase {
  readonly promise: string;
  readonly run: () => void;
}

/** The promises of the contract, each as a case to register as a test. */
export function runCompliance<Input, Meta, Output, UserEvent, E extends Engine<Input, Meta, Output, UserEvent>>(
  options: ComplianceOptions<Input, Meta, Output, UserEvent, E>,
): ComplianceCase[] {
  const play = (mode: DriverMode = {}): ComplianceDriver<Input, Meta, Output, UserEvent, E> => {
    const driver = new ComplianceDriver(options, mode);
    options.drive(driver);
    return driver;
  };
  /** The story with a twist ends with the same words as the story told straight. */
  const unchangedBy = (mode: DriverMode, what: string): void => {
    requireSame(play().transcript, play(mode).transcript, what);
  };
  return [
    {
      promise: "the story makes the engine speak",
      run: () => require(play().transcript.length > 0, "the story brought no output and no event: it shows nothing"),
    },
    {
      promise: "the same inputs give the same outputs",
      run: () => unchangedBy({}, "the same story, told again"),
    },
    {
      promise: "an engine has no clock, timer or randomness of its own",
      run: () => withoutWorld(() => play()),
    },
    {
      promise: "bytes from the wire never throw",
      run: () => feedGarbage(options, play),
    },
    {
      promise: "draining ends",
      run: () => requireNone(play().violations.get("endless")),
    },
    {
      promise: "a drained engine has nothing more to say",
      run: () => requireNone(play({ pollTwice: true }).violations.get("restless")),
    },
    {
      promise: "polling changes nothing but what it hands over",
      run: () => {
        const driver = play({ pollTwice: true });
        requireNone(driver.violations.get("poll"));
        requireSame(play().transcript, driver.transcript, "a story with needless polls");
      },
    },
    {
      promise: "an early handleTimeout is harmless",
      run: () => unchangedBy({ early: true }, "a story with handleTimeout calls before their time"),
    },
    {
      promise: "a late handleTimeout is enough",
      run: () => requireNone(play({ late: seconds(90) }).violations.get("spin")),
    },
    {
      promise: "after handleTimeout and draining, nextTimeout lies in the future",
      run: () => requireNone(play().violations.get("spin")),
    },
    {
      promise: "nextTimeout is a time",
      run: () => requireNone(play().violations.get("timeout")),
    },
    {
      promise: "handle borrows its input and leaves it as it was, unless it takes it",
      run: () => unchangedBy({ reuse: true }, "a story whose inputs are overwritten once handle has returned"),
    },
    {
      promise: "a departure time does not lie in the past",
      run: () => requireNone(play().violations.get("departure")),
    },
  ];
}

/** The engine broke its promise. `detail` says when and how. */
function broken(detail: string): SevilleError {
  return new SevilleError("ERR_COMPLIANCE", detail);
}

function require(condition: boolean, detail: string): void {
  if (!condition) throw broken(detail);
}

function requireNone(violation: string | undefined): void {
  if (violation !== undefined) throw broken(violation);
}

function requireSame(expected: readonly string[], actual: readonly string[], what: string): void {
  const length = Math.max(expected.length, actual.length);
  for (let i = 0; i < length; i++) {
    if (expected[i] === actual[i]) continue;
    throw broken(
      `${what} differs in line ${i + 1}:\n  expected ${expected[i] ?? "(end)"}\n  received ${actual[i] ?? "(end)"}`,
    );
  }
}

/** Cut, mutated and random bytes, at the beginning of the engine's life and after its story. */
function feedGarbage<Input, Meta, Output, UserEvent, E extends Engine<Input, Meta, Output, UserEvent>>(
  options: ComplianceOptions<Input, Meta, Output, UserEvent, E>,
  play: () => ComplianceDriver<Input, Meta, Output, UserEvent, E>,
): void {
  const random = createRandom("compliance garbage");
  for (const driver of [new ComplianceDriver(options, {}), play()]) {
    for (const bytes of garbage(random, options.samples ?? [])) {
      const { input, meta } = options.fromBytes(bytes);
      try {
        driver.handle(input, meta);
        driver.advance(millis(1));
      } catch (error) {
        const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
        throw new SevilleError("ERR_COMPLIANCE", `threw for the bytes ${hex}: ${String(error)}`, undefined, {
          cause: error,
        });
      }
    }
  }
}

function* garbage(random: Random, samples: readonly Uint8Array[]): Generator<Uint8Array> {
  for (let length = 0; length < 128; length++) yield randomBytes(random, length);
  for (const sample of samples) {
    for (let length = 0; length <= sample.length; length++) yield sample.slice(0, length);
    for (let i = 0; i < 200 && sample.length > 0; i++) {
      const mutant = Uint8Array.from([...sample, ...randomBytes(random, random.below(4))]);
      for (let hits = 1 + random.below(4); hits > 0; hits--) mutant[random.below(mutant.length)] = random.below(256);
      yield mutant;
    }
  }
}

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** Runs `play` while everything that could tell the time or chance throws. */
function withoutWorld(play: () => void): void {
  const restore: (() => void)[] = [];
  const forbid = (owner: object | undefined, name: string): void => {
    const original = owner === undefined ? undefined : Object.getOwnPropertyDescriptor(owner, name);
    if (owner === undefined || original?.configurable !== true) return;
    const trap = (): never => {
      throw broken(`called ${name}: time and randomness are given, not taken`);
    };
    Object.defineProperty(owner, name, { value: trap, configurable: true, writable: true });
    restore.push(() => Object.defineProperty(owner, name, original));
  };
  const world = globalThis as unknown as Record<string, object | undefined>;
  forbid(world["Date"], "now");
  forbid(world["Math"], "random");
  forbid(Object.getPrototypeOf(world["performance"] ?? {}) as object, "now");
  for (const name of ["getRandomValues", "randomUUID"])
    forbid(Object.getPrototypeOf(world["crypto"] ?? {}) as object, name);
  for (const name of ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch"]) forbid(globalThis, name);
  try {
    play();
  } finally {
    for (const undo of restore) undo();
  }
}
