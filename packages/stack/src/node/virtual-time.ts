import { NS_PER_MS, type EventId } from "@seville/core";
import { inContextOf, type HostContext } from "./context.ts";

type Callback = (...given: unknown[]) => void;

/** What `setTimeout` answers on a simulated host: like Node's `Timeout`, but of the world's time. */
export class VirtualTimer {
  readonly #context: HostContext;
  readonly #delay: number;
  readonly #repeats: boolean;
  readonly #callback: () => void;
  #event: EventId | undefined = undefined;
  readonly #end = (): void => {
    this.close();
  };

  constructor(context: HostContext, callback: Callback, delayMs: number, repeats: boolean, given: unknown[]) {
    this.#context = context;
    // As Node: anything else than 1 ms to 2^31 - 1 ms is 1 ms.
    this.#delay = delayMs >= 1 && delayMs <= 0x7fff_ffff ? delayMs : 1;
    this.#repeats = repeats;
    this.#callback = inContextOf(context, () => {
      callback(...given);
    });
    context.programs.endings.add(this.#end);
    this.refresh();
  }

  refresh(): this {
    this.#cancel();
    const { scheduler } = this.#context.host;
    this.#event = scheduler.scheduleCall(scheduler.now + Math.trunc(this.#delay) * NS_PER_MS, () => {
      this.#event = undefined;
      if (this.#repeats) this.refresh();
      else this.#context.programs.endings.delete(this.#end);
      this.#callback();
    });
    return this;
  }

  close(): this {
    this.#cancel();
    this.#context.programs.endings.delete(this.#end);
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #cancel(): void {
    if (this.#event !== undefined) this.#context.host.scheduler.cancel(this.#event);
    this.#event = undefined;
  }
}

/** `Date.now()` on a simulated host, ms. */
export function virtualDateNow({ host, programs }: HostContext): number {
  return programs.epochMs + Math.floor(host.now / NS_PER_MS);
}

/** `performance.now()` on a simulated host, ms. */
export function virtualPerformanceNow({ host }: HostContext): number {
  return host.now / NS_PER_MS;
}
