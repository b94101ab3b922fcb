import { describe, expect, test } from "vitest";
import { type ComplianceCase, runCompliance } from "../src/compliance.ts";
import { millis, type Nanos, NEVER, seconds } from "../src/index.ts";
import { ToyEngine, type ToyOutput } from "./toy-engine.ts";

function suite(make: () => ToyEngine): ComplianceCase[] {
  return runCompliance({
    make,
    drive(driver) {
      driver.call((engine, now) => engine.open(now));
      for (let id = 0; id < 5; id++) {
        driver.handle(Uint8Array.of(1, id, 0xaa), undefined);
        driver.advance(millis(300));
      }
      driver.advance(seconds(3));
    },
    describeOutput: ({ bytes, departAt }: ToyOutput) => `${bytes.join(" ")} at ${departAt}`,
    describeEvent: (event: string) => event,
    fromBytes: (bytes) => ({ input: bytes, meta: undefined }),
    samples: [Uint8Array.of(1, 7, 1, 2, 3)],
    reuse: (input: Uint8Array) => input.fill(0xff),
    departure: ({ departAt }: ToyOutput) => departAt,
  });
}

/** The promises that the engine breaks, in the suite's words. */
function brokenBy(make: () => ToyEngine): string[] {
  return suite(make)
    .filter(({ run }) => {
      try {
        run();
        return false;
      } catch {
        return true;
      }
    })
    .map(({ promise }) => promise);
}

describe("X1: a good engine keeps every promise", () => {
  for (const { promise, run } of suite(() => new ToyEngine())) test(`X1: ${promise}`, run);
});

describe("X2: an engine that breaks one promise is caught by that promise's case", () => {
  /** Shared by all engines of one kind, as a module's variable would be. */
  let shared = 0;

  class Silent extends ToyEngine {
    override poll(): undefined {
      return undefined;
    }
    override pollEvent(): undefined {
      return undefined;
    }
  }

  class Forgetful extends ToyEngine {
    override open(now: Nanos): void {
      super.open(now);
      this.events.push(`connection ${shared++}`);
    }
  }

  class Clock extends ToyEngine {
    override open(now: Nanos): void {
      super.open(now);
      this.keepaliveAt += Date.now() * 0;
    }
  }

  class Dice extends ToyEngine {
    override open(now: Nanos): void {
      super.open(now);
      this.keepaliveAt += Math.floor(Math.random());
    }
  }

  class Timer extends ToyEngine {
    override open(now: Nanos): void {
      super.open(now);
      clearTimeout(setTimeout(() => undefined, 0));
    }
  }

  class Trusting extends ToyEngine {
    override handle(packet: Uint8Array, meta: undefined, now: Nanos): void {
      if (packet.length === 3 && packet[0] === 1 && packet[1] === 7) throw new RangeError("no byte 3");
      super.handle(packet, meta, now);
    }
  }

  class Endless extends ToyEngine {
    override poll(): ToyOutput {
      return { bytes: Uint8Array.of(3), departAt: NEVER };
    }
  }

  class Restless extends ToyEngine {
    #asked = 0;
    override pollEvent(): string | undefined {
      const event = super.pollEvent();
      if (event !== undefined) this.#asked = 0;
      // Has something to say only to who asks again.
      return event ?? (++this.#asked === 3 ? "by the way" : undefined);
    }
  }

  class Fidgety extends ToyEngine {
    override poll(now: Nanos): ToyOutput | undefined {
      const output = super.poll(now);
      if (output === undefined && this.keepaliveAt !== NEVER) this.keepaliveAt += 1;
      return output;
    }
  }

  class Eager extends ToyEngine {
    override handleTimeout(now: Nanos): void {
      if (this.keepaliveAt !== NEVER) this.keepaliveAt = now;
      super.handleTimeout(now);
    }
  }

  class Slow extends ToyEngine {
    override handleTimeout(now: Nanos): void {
      const due = this.keepaliveAt;
      super.handleTimeout(now);
      // From deadline to deadline: a late caller must catch up one by one.
      if (now >= due) this.keepaliveAt = due + seconds(1);
    }
  }

  class Spinning extends ToyEngine {
    override nextTimeout(): Nanos {
      return this.keepaliveAt === NEVER ? NEVER : 0;
    }
  }

  class NotANumber extends ToyEngine {
    override nextTimeout(): Nanos {
      return NaN;
    }
  }

  class Keeping extends ToyEngine {
    override handle(packet: Uint8Array, meta: undefined, now: Nanos): void {
      const before = this.replies.length;
      super.handle(packet, meta, now);
      const reply = this.replies[before];
      // A view of the input, where a copy is needed.
      if (reply !== undefined) reply.bytes = packet.subarray(1);
    }
  }

  class Backdating extends ToyEngine {
    override poll(now: Nanos): ToyOutput | undefined {
      const output = super.poll(now);
      return output === undefined ? undefined : { ...output, departAt: now - 1 };
    }
  }

  test.each([
    ["the story makes the engine speak", Silent],
    ["the same inputs give the same outputs", Forgetful],
    ["an engine has no clock, timer or randomness of its own", Clock],
    ["an engine has no clock, timer or randomness of its own", Dice],
    ["an engine has no clock, timer or randomness of its own", Timer],
    ["bytes from the wire never throw", Trusting],
    ["draining ends", Endless],
    ["a drained engine has nothing more to say", Restless],
    ["polling changes nothing but what it hands over", Fidgety],
    ["an early handleTimeout is harmless", Eager],
    ["a late handleTimeout is enough", Slow],
    ["after handleTimeout and draining, nextTimeout lies in the future", Spinning],
    ["nextTimeout is a time", NotANumber],
    ["handle borrows its input and leaves it as it was, unless it takes it", Keeping],
    ["a departure time does not lie in the past", Backdating],
  ] as const)("X2: %s: broken by %o", (promise, Kind) => {
    const broken = brokenBy(() => new Kind());
    expect(broken).toContain(promise);
    // Some mistakes are seen from several sides, but none of them everywhere.
    expect(broken.length).toBeLessThanOrEqual(4);
  });

  test("X4: the driver's clock goes forward only, also past late deadlines, and stories hear what was said", () => {
    const times: Nanos[] = [];
    let outputs = 0;
    const cases = runCompliance({
      make: () => new ToyEngine(),
      drive(driver) {
        driver.call((engine, now) => engine.open(now));
        expect(driver.takeEvents()).toEqual(["open"]);
        for (let i = 0; i < 5; i++) {
          driver.advance(seconds(1));
          times.push(driver.now);
        }
        outputs = driver.takeOutputs().length;
        expect(driver.takeOutputs()).toEqual([]);
      },
      describeOutput: ({ bytes }: ToyOutput) => bytes.join(),
      describeEvent: (event: string) => event,
      fromBytes: (input: Uint8Array) => ({ input, meta: undefined }),
      start: 0,
    });
    cases[0]?.run();
    expect(times).toEqual([1, 2, 3, 4, 5].map(seconds));
    expect(outputs).toBe(5);
    times.length = 0;
    cases.find(({ promise }) => promise === "a late handleTimeout is enough")?.run();
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBeGreaterThan(seconds(90));
  });

  test("X3: what the trap on clocks and dice replaced is there again", () => {
    brokenBy(() => new Clock());
    expect(Date.now()).toBeGreaterThan(0);
    expect(Math.random()).toBeLessThan(1);
    expect(typeof setTimeout(() => undefined, 0)).toBe("object");
  });

  test("X3: a broken promise says what was expected and what came", () => {
    const borrow = suite(() => new Keeping()).find(({ promise }) => promise.startsWith("handle borrows"));
    expect(() => borrow?.run()).toThrow(/differs in line \d+:\n {2}expected .*output .*\n {2}received .*output 255/);
  });
});
