import type { Point, ScenarioPart } from "../schema/part.ts";
import type { Scenario } from "../types.ts";

/** Those of `parts` of which the scenario uses a key: only their engines are loaded. */
export function usedParts(scenario: Scenario, parts: readonly ScenarioPart[]): ScenarioPart[] {
  const present = presentKeys(scenario);
  return parts.filter((part) =>
    [part.properties, part.choices].some((group) =>
      Object.entries(group ?? {}).some(([point, keys]) => {
        return Object.keys(keys).some((key) => present.get(point as Point)?.has(key) === true);
      }),
    ),
  );
}

/** Which keys the scenario has at each point. */
function presentKeys(scenario: Scenario): Map<Point, Set<string>> {
  const keys = new Map<Point, Set<string>>();
  const note = (point: Point, object: unknown): void => {
    if (typeof object !== "object" || object === null) return;
    const known = keys.get(point) ?? new Set<string>();
    for (const key of Object.keys(object)) known.add(key);
    keys.set(point, known);
  };
  const noteParameters = (object: { readonly queue?: unknown; readonly loss?: unknown }): void => {
    note("LinkParameters", object);
    note("QueueDiscipline", object.queue);
    note("LossModel", object.loss);
  };
  note("Scenario", scenario);
  for (const host of Object.values(scenario.hosts)) {
    note("Host", host);
    for (const iface of Object.values(host.interfaces ?? {})) note("Interface", iface);
    for (const route of host.routes ?? []) note("Route", route);
  }
  for (const link of Object.values(scenario.links ?? {})) {
    note("Link", link);
    for (const parameters of [link, ...Object.values(link.from ?? {})]) noteParameters(parameters);
  }
  for (const traffic of Object.values(scenario.traffic ?? {})) note("Traffic", traffic);
  for (const attachment of Object.values(scenario.attachments ?? {})) note("Attachment", attachment);
  for (const event of scenario.timeline ?? []) {
    note("Event", event);
    if (event.set !== undefined) noteParameters(event.set);
  }
  return keys;
}
