export * from "./check/code-frame.ts";
export * from "./check/problem.ts";
export * from "./check/validate.ts";
export { nearest, suggestion } from "./check/did-you-mean.ts";
export { PARTS } from "./parts/index.ts";
export type * from "./results.ts";
export { composeSchema, SCHEMA_ID } from "./schema/compose.ts";
export type * from "./schema/json-schema.ts";
export { POINTS, type CheckReporter, type Point, type ScenarioPart } from "./schema/part.ts";
export type * from "./types.ts";
export { applyOverride } from "./overrides.ts";
export { runScenario, type Outside, type RunProgress, type RunScenarioOptions } from "./run/run-scenario.ts";
export type { CaptureOpener } from "./run/captures.ts";
export { DelayRecorder } from "./run/delays.ts";
export type {
  AttachmentSite,
  EventLabel,
  OpenAttachment,
  OutsideProgram,
  PartRuntime,
  RunningProgram,
  RunningTraffic,
  TrafficReport,
  World,
  WorldLink,
} from "./run/world.ts";
