import { SevilleError } from "@seville/core";
import { bbr } from "./bbr/bbr.ts";
import { bbr3 } from "./bbr3/bbr3.ts";
import type { CongestionAlgorithm } from "./congestion-control.ts";
import { cubic } from "./cubic/cubic.ts";
import { dctcp } from "./dctcp.ts";
import { newReno } from "./new-reno.ts";

/** The algorithms under the names of `tcp_available_congestion_control`, with their default parameters. */
export const CONGESTION_ALGORITHMS: ReadonlyMap<string, CongestionAlgorithm> = new Map(
  [newReno(), cubic(), bbr(), bbr3(), dctcp()].map((algorithm) => [algorithm.name, algorithm]),
);

/** The algorithm called `name`; throws ENOENT, as setsockopt(TCP_CONGESTION) fails, if there is none. */
export function congestionAlgorithm(name: string): CongestionAlgorithm {
  const algorithm = CONGESTION_ALGORITHMS.get(name);
  if (algorithm !== undefined) return algorithm;
  const known = [...CONGESTION_ALGORITHMS.keys()].join(", ");
  throw new SevilleError("ENOENT", `there is no congestion control "${name}"; there are ${known}`, "name");
}
