/**
 * Where the simulation meets the real world: TAP devices, UDP sockets, streams and captures, and the loop that runs a
 * simulator against the clock on the wall. Node only.
 *
 * @module
 */
export { bridge } from "./bridge.ts";
export type { Bridge, BridgeOptions, WorldClock } from "./bridge.ts";
export { monotonicNow } from "./port/clock.ts";
export { totalDrops } from "./port/counters.ts";
export type { HostPortStats } from "./port/counters.ts";
export { ETH_HLEN, MAX_FRAME_BYTES } from "./port/host-port.ts";
export type { HostPort, PortListener } from "./port/host-port.ts";
export { openTap } from "./tap/tap-port.ts";
export type { TapPort } from "./tap/tap-port.ts";
export type { TapOptions } from "./tap/tap-options.ts";
export { openTapNic, TapNic } from "./tap-nic/tap-nic.ts";
export type { TapNicOptions } from "./tap-nic/tap-nic.ts";
export type { VnetGrant } from "./tap/messages.ts";
export { openUdpPort } from "./udp/udp-port.ts";
export type { UdpEncapsulation, UdpPort, UdpPortOptions } from "./udp/udp-port.ts";
export { openStreamPort } from "./stream/stream-port.ts";
export type { StreamAddress, StreamPort, StreamPortOptions } from "./stream/stream-port.ts";
export { startReplay } from "./replay/replay.ts";
export type { Replay, ReplayOptions, ReplayStats, ReplayTarget } from "./replay/replay.ts";
export type { CaptureSelection, CaptureSource } from "./replay/capture-frames.ts";
export { RealtimeDriver } from "./realtime/driver.ts";
export type { RealtimeOptions, RealtimeResult } from "./realtime/driver.ts";
export { openAttachment } from "./attach/open-attachment.ts";
export type { AttachmentSpec, StreamAttachment, TapAttachment, UdpAttachment } from "./attach/open-attachment.ts";
export { openNamespace } from "./kernel/namespace.ts";
export type { KernelNamespace } from "./kernel/namespace.ts";
export { configureDevice } from "./kernel/configure.ts";
export type { DeviceConfig } from "./kernel/configure.ts";
export { createOutside } from "./attach/outside.ts";
export type {
  AttachmentSite,
  OutsideOptions,
  OutsideSpec,
  RealAttachment,
  RealOutside,
  ReplayAttachment,
} from "./attach/outside.ts";
export { raisePriority } from "./realtime/priority.ts";
export type { GrantedPriority, RaisedPriority } from "./realtime/priority.ts";
export { runProgram } from "./program/run-program.ts";
export type { ProgramEnding, ProgramSpec, RunningProgram } from "./program/run-program.ts";
export { parseMib, readMib } from "./kernel/mib.ts";
