import { dirname } from "node:path";
import { createOutside as createHostOutside } from "@seville/host-link";
import type { Outside } from "@seville/scenario";

export interface OutsideOptions {
  /** The scenario's file: paths in it are relative to it. */
  readonly scenarioFile: string;
  /** Given on the command line, for replays that name no file. */
  readonly pcapIn?: string;
}

/** The outside of a simulation that runs in this process, as `@seville/host-link` opens it. */
export function createOutside({ scenarioFile, pcapIn }: OutsideOptions): Outside {
  const replay = pcapIn === undefined ? {} : { replayFile: pcapIn };
  return createHostOutside({ directory: dirname(scenarioFile), ...replay });
}
