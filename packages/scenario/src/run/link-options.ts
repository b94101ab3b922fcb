import type {
  CorruptOptions,
  DirectionOptions,
  JitterOptions,
  LossOptions,
  QueueOptions,
  ReorderOptions,
} from "@seville/sim";
import { duration, limit, probability, rate, size } from "../quantities.ts";
import type { Corrupt, Jitter, LinkParameters, LossModel, Policer, QueueDiscipline, Reorder } from "../types.ts";

/** Settings of a link as a scenario writes them, as `sim` takes them. Only what is named is there. */
export function directionOptions(parameters: LinkParameters): DirectionOptions {
  const { jitter, queue, policer, loss, reorder, duplicate, corrupt, framing } = parameters;
  return {
    ...(parameters.rate === undefined ? {} : { rate: rate(parameters.rate) }),
    ...(parameters.delay === undefined ? {} : { delay: duration(parameters.delay) }),
    ...(jitter === undefined ? {} : { jitter: jitterOptions(jitter) }),
    ...(framing === undefined ? {} : { framing }),
    ...(queue === undefined ? {} : { queue: queueOptions(queue) }),
    ...(policer === undefined ? {} : { policer: policer === "none" ? null : policerOptions(policer) }),
    ...(loss === undefined ? {} : { loss: typeof loss === "string" ? probability(loss) : lossOptions(loss) }),
    ...(reorder === undefined
      ? {}
      : { reorder: typeof reorder === "string" ? probability(reorder) : reorderOptions(reorder) }),
    ...(duplicate === undefined ? {} : { duplicate: probability(duplicate) }),
    ...(corrupt === undefined
      ? {}
      : { corrupt: typeof corrupt === "string" ? probability(corrupt) : corruptOptions(corrupt) }),
  };
}

function jitterOptions(jitter: NonNullable<LinkParameters["jitter"]>): number | JitterOptions {
  if (typeof jitter === "string") return duration(jitter);
  const { deviation, distribution, correlation, overtake }: Jitter = jitter;
  return {
    deviation: duration(deviation),
    ...(distribution === undefined ? {} : { distribution }),
    ...(correlation === undefined ? {} : { correlation: probability(correlation) }),
    ...(overtake === undefined ? {} : { reorder: overtake }),
  };
}

function policerOptions({ rate: perSecond, burst, exceed }: Policer): NonNullable<DirectionOptions["policer"]> {
  return { rate: rate(perSecond), burst: size(burst), ...(exceed === undefined ? {} : { exceed }) };
}

function reorderOptions({ probability: chance, gap, correlation }: Reorder): ReorderOptions {
  return {
    probability: probability(chance),
    ...(gap === undefined ? {} : { gap }),
    ...(correlation === undefined ? {} : { correlation: probability(correlation) }),
  };
}

function corruptOptions({ probability: chance, afterFcs }: Corrupt): CorruptOptions {
  return { probability: probability(chance), detect: afterFcs === true ? "after-fcs" : "fcs" };
}

function lossOptions(model: LossModel): LossOptions {
  if (model.random !== undefined) {
    const { probability: chance, correlation = "0%" } = model.random;
    return { model: "random", probability: probability(chance), correlation: probability(correlation) };
  }
  if (model.gemodel !== undefined) {
    const { p, r, bad, good } = model.gemodel;
    return {
      model: "gilbert-elliott",
      p: probability(p),
      ...(r === undefined ? {} : { r: probability(r) }),
      ...(bad === undefined ? {} : { lossInBad: probability(bad) }),
      ...(good === undefined ? {} : { lossInGood: probability(good) }),
    };
  }
  if (model.state !== undefined) {
    const { p13, p31, p32, p23, p14 } = model.state;
    return {
      model: "state",
      p13: probability(p13),
      ...(p31 === undefined ? {} : { p31: probability(p31) }),
      ...(p32 === undefined ? {} : { p32: probability(p32) }),
      ...(p23 === undefined ? {} : { p23: probability(p23) }),
      ...(p14 === undefined ? {} : { p14: probability(p14) }),
    };
  }
  // People count frames from 1.
  return { model: "script", frames: model.frames.map((number) => number - 1) };
}

function queueOptions(queue: NonNullable<LinkParameters["queue"]>): QueueOptions {
  return typeof queue === "string" ? { kind: queue } : discipline(queue);
}

function discipline(queue: QueueDiscipline): QueueOptions {
  if (queue.fifo !== undefined) {
    const most = limit(queue.fifo.limit ?? "1000p");
    return "packets" in most ? { kind: "fifo", limitPackets: most.packets } : { kind: "fifo", limitBytes: most.bytes };
  }
  if (queue.codel !== undefined) {
    const { limit: packets, target, interval, ecn } = queue.codel;
    return {
      kind: "codel",
      ...codelOptions(target, interval, ecn),
      ...(packets === undefined ? {} : { limitPackets: packets }),
    };
  }
  if (queue.fq_codel !== undefined) {
    const { limit: packets, flows, quantum, memory, target, interval, ecn } = queue.fq_codel;
    return {
      kind: "fq_codel",
      ...codelOptions(target, interval, ecn),
      ...(packets === undefined ? {} : { limitPackets: packets }),
      ...(flows === undefined ? {} : { flows }),
      ...(quantum === undefined ? {} : { quantum }),
      ...(memory === undefined ? {} : { memoryLimit: size(memory) }),
    };
  }
  if (queue.red !== undefined) {
    const { limit: bytes, min, max, probability: chance, ecn } = queue.red;
    return {
      kind: "red",
      limitBytes: size(bytes),
      min: size(min),
      max: size(max),
      ...(chance === undefined ? {} : { probability: probability(chance) }),
      ...(ecn === undefined ? {} : { ecn }),
    };
  }
  const { rate: perSecond, burst, limit: bytes = "1mb" } = queue.tbf;
  return { kind: "tbf", rate: rate(perSecond), burst: size(burst), limitBytes: size(bytes) };
}

type CodelNode = Extract<QueueDiscipline, { codel: object }>["codel"];

function codelOptions(
  target: CodelNode["target"],
  interval: CodelNode["interval"],
  ecn: boolean | undefined,
): { target?: number; interval?: number; ecn?: boolean } {
  return {
    ...(target === undefined ? {} : { target: duration(target) }),
    ...(interval === undefined ? {} : { interval: duration(interval) }),
    ...(ecn === undefined ? {} : { ecn }),
  };
}
