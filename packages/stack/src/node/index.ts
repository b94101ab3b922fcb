/**
 * Real Node programs on simulated hosts: unmodified code that uses `net`, `http`, `dns.lookup`, timers and the clock.
 *
 * - {@link runOn}: a program on a host
 * - {@link netOf}: `node:net` for one host
 * - `@seville/stack/vitest`: worlds for tests, which drive time
 *
 * @packageDocumentation
 */
export { currentHost, joinPrograms, netOf, runOn, type HostNet } from "./host-net.ts";
export { createPrograms, type Programs } from "./context.ts";
export { patchNode } from "./patch.ts";
export { watchEscapes } from "./escapes.ts";
