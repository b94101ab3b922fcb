/**
 * The ground that every package of Seville stands on. Nothing here knows of packets or protocols.
 *
 * - time: {@link Nanos}, {@link Scheduler}, units as people write them
 * - the sans-IO contract: {@link Engine} (its compliance suite is `@seville/core/compliance`)
 * - chance: seeded {@link Random} streams; secrets are passed in
 * - numbers: serial numbers, portable mathematics, windowed filters, flow hashes
 * - failure: {@link SevilleError}, drop reasons, counters
 * - memory in which packets live: {@link PacketMemory}
 *
 * @packageDocumentation
 */
export * from "./nanos.ts";
export * from "./units.ts";
export * from "./errors.ts";
export * from "./drop-reason.ts";
export * from "./counters.ts";
export * from "./engine.ts";
export * from "./scheduler.ts";
export * from "./memory.ts";
export * from "./strict-view.ts";
export * from "./random.ts";
export * from "./secrets.ts";
export * from "./siphash.ts";
export * from "./serial.ts";
export * from "./maths.ts";
export * from "./trigonometry.ts";
export * from "./windowed-filter.ts";
export * from "./flow-hash.ts";
export * from "./toeplitz.ts";
