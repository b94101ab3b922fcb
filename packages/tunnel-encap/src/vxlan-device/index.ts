export type { VxlanDeviceConfig, VxlanEvent, VxlanMeta, VxlanOutput, VxlanRemote } from "./config.ts";
export { VxlanDevice } from "./device.ts";
export { Fdb, formatFdb, type FdbEntry, type FdbState, type LearnResult } from "./fdb.ts";
