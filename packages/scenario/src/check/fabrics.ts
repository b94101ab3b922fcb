import { planOf } from "../fabric/expand.ts";
import type { CheckReporter } from "../schema/part.ts";
import type { Scenario, Traffic } from "../types.ts";
import { suggestion } from "./did-you-mean.ts";

type Path = readonly (string | number)[];

/** Patterns of traffic: over fabrics that are there, among hosts that they have. */
export function checkPatterns(scenario: Scenario, report: CheckReporter): void {
  for (const [name, traffic] of Object.entries(scenario.traffic ?? {})) {
    const { permutation, stride, incast, pairs } = traffic;
    const path = ["traffic", name];
    if (permutation !== undefined) checkPattern(scenario, permutation, [...path, "permutation"], report);
    if (stride !== undefined) {
      for (const hosts of checkPattern(scenario, stride, [...path, "stride"], report)) {
        if ((stride.by ?? hosts / 2) % hosts === 0)
          report.error([...path, "stride", "by"], `with ${hosts} hosts everybody would send to itself`);
      }
    }
    if (incast !== undefined) checkIncast(scenario, incast, [...path, "incast"], report);
    if (pairs !== undefined) checkPairs(scenario, pairs, [...path, "pairs"], report);
  }
}

type Pattern = Pick<NonNullable<Traffic["permutation"]>, "in" | "udp" | "bytes" | "congestion">;

/** How many hosts each of the fabrics has that are there. */
function checkPattern(scenario: Scenario, pattern: Pattern, path: Path, report: CheckReporter): number[] {
  const fabrics = scenario.fabrics ?? {};
  if (pattern.udp !== undefined) {
    if (Number.parseFloat(pattern.udp) === 0) report.error([...path, "udp"], "a rate of 0 sends nothing");
    for (const key of ["bytes", "congestion"] as const)
      if (pattern[key] !== undefined) report.error([...path, key], `${key} is for TCP`, "leave out udp");
  }
  return (typeof pattern.in === "string" ? [pattern.in] : pattern.in).flatMap((name, i) => {
    const fabric = fabrics[name];
    // One that could not be written out has none, and was reported.
    if (fabric !== undefined) return planOf(fabric).hosts.length || [];
    const place = typeof pattern.in === "string" ? [...path, "in"] : [...path, "in", i];
    report.error(place, `there is no fabric ${name}`, suggestion(name, Object.keys(fabrics)));
    return [];
  });
}

function checkIncast(
  scenario: Scenario,
  incast: NonNullable<Traffic["incast"]>,
  path: Path,
  report: CheckReporter,
): void {
  for (const hosts of checkPattern(scenario, incast, path, report)) {
    checkHost(incast.to, hosts, [...path, "to"], report);
    if (incast.senders >= hosts)
      report.error([...path, "senders"], `the fabric has ${hosts - 1} hosts beside the receiver`);
  }
}

function checkPairs(scenario: Scenario, pairs: NonNullable<Traffic["pairs"]>, path: Path, report: CheckReporter): void {
  for (const hosts of checkPattern(scenario, pairs, path, report)) {
    checkHost(pairs.from, hosts, [...path, "from"], report);
    checkHost(pairs.to, hosts, [...path, "to"], report);
    if ((pairs.from ?? 0) === (pairs.to ?? hosts - 1)) report.error(path, "both ends are the same host");
  }
}

function checkHost(host: number | undefined, hosts: number, path: Path, report: CheckReporter): void {
  if (host !== undefined && host >= hosts) report.error(path, `the fabric has hosts from 0 to ${hosts - 1}`);
}
