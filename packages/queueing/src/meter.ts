import { invalidArgument, type Nanos } from "@seville/core";
import { Bucket } from "./bucket.ts";
import { notNegative, positive } from "./options.ts";

/** How well a packet keeps to its contract: green conforms, yellow exceeds, red violates (RFC 2698 §1). */
export type Colour = "green" | "yellow" | "red";

/** Measures a stream of packets against a contract. */
export interface Meter {
  /**
   * The colour of a packet of `length` bytes that passes now; its tokens are taken. `incoming` is the colour that an
   * earlier meter gave it; `green`, the default, makes the meter colour-blind.
   */
  colour(length: number, now: Nanos, incoming?: Colour): Colour;
}

/** As tc-police(8). */
export interface PoliceOptions {
  /** Bits per second. */
  readonly rate: number;
  /** Bytes that may pass at once after a pause. */
  readonly burst: number;
  /** Bytes of the longest packet that conforms, and the burst at `peakrate`. Default: `burst`. */
  readonly mtu?: number;
  /** Bits per second within a burst. */
  readonly peakrate?: number;
}

/** The single rate meter of `tc … police` (net/sched/act_police.c): green or red. */
export function policeMeter(options: PoliceOptions): Meter {
  const mtu = positive(options.mtu ?? options.burst, "mtu", "bytes");
  const rate = createBucket(options.rate, options.burst, "rate", "burst");
  const peak = options.peakrate === undefined ? undefined : createBucket(options.peakrate, mtu, "peakrate", "mtu");
  return {
    colour(length, now, incoming = "green") {
      if (incoming === "red" || length > mtu || rate.wait(length, now) > 0) return "red";
      if (peak !== undefined && peak.wait(length, now) > 0) return "red";
      rate.take(length, now);
      peak?.take(length, now);
      return "green";
    },
  };
}

/** RFC 2698: peak and committed information rate (bits per second) and their bursts (bytes). */
export interface TrTcmOptions {
  readonly pir: number;
  readonly pbs: number;
  readonly cir: number;
  readonly cbs: number;
}

/** The two rate three colour marker of RFC 2698 §3: what the committed rate passes counts against the peak rate too. */
export function trTcm(options: TrTcmOptions): Meter {
  if (!(options.pir >= options.cir)) throw invalidArgument("pir", `cir (${options.cir}) or more`, options.pir);
  const peak = createBucket(options.pir, options.pbs, "pir", "pbs");
  const committed = createBucket(options.cir, options.cbs, "cir", "cbs");
  return {
    colour(length, now, incoming = "green") {
      if (incoming === "red" || peak.wait(length, now) > 0) return "red";
      peak.take(length, now);
      if (incoming === "yellow" || committed.wait(length, now) > 0) return "yellow";
      committed.take(length, now);
      return "green";
    },
  };
}

/** RFC 4115: committed and excess information rate (bits per second) and their bursts (bytes). */
export interface ExcessRateOptions {
  readonly cir: number;
  readonly cbs: number;
  /** 0: nothing is ever yellow. */
  readonly eir: number;
  readonly ebs: number;
}

/** The two rate three colour marker of RFC 4115 §3: green and yellow packets each have a bucket of their own. */
export function excessRateMeter(options: ExcessRateOptions): Meter {
  const committed = createBucket(options.cir, options.cbs, "cir", "cbs");
  notNegative(options.eir, "eir", "bits per second");
  const excess = options.eir === 0 ? undefined : createBucket(options.eir, options.ebs, "eir", "ebs");
  return {
    colour(length, now, incoming = "green") {
      if (incoming === "green" && committed.wait(length, now) <= 0) {
        committed.take(length, now);
        return "green";
      }
      if (incoming === "red" || excess === undefined || excess.wait(length, now) > 0) return "red";
      excess.take(length, now);
      return "yellow";
    },
  };
}

function createBucket(rate: number, burst: number, rateName: string, burstName: string): Bucket {
  return new Bucket(positive(rate, rateName, "bits per second"), positive(burst, burstName, "bytes"));
}
