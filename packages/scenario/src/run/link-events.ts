import { parseEndpoint } from "../check/network.ts";
import type { Event, LinkParameters } from "../types.ts";
import type { EventLabel, PartRuntime, World } from "./world.ts";

/** Carries out what the timeline says of links and interfaces. */
export const linkEvents: PartRuntime = {
  actions: {
    set: (world, event) => set(world, event),
    down: (world, { down = "" }) => setUp(world, down, false),
    up: (world, { up = "" }) => setUp(world, up, true),
    partition(world, { partition = [] }) {
      world.partition(partition);
      return { kind: "partition", label: `partition ${partition.map((group) => group.join("+")).join(" | ")}` };
    },
    heal(world) {
      world.partition([]);
      return { kind: "heal", label: "healed" };
    },
  },
};

function set(world: World, { set: change }: Event): EventLabel {
  if (change === undefined) return { kind: "set", label: "" };
  const { link: name, from, ...rest } = change;
  const parameters: LinkParameters = rest;
  const directions = from === undefined ? "both" : from === world.links.get(name)?.ends[0] ? "aToB" : "bToA";
  world.setLink(name, parameters, directions);
  const what = Object.entries(parameters).map(([key, value]) => `${key} ${brief(value)}`);
  return { kind: "set", label: `${from ?? name}: ${what.join(", ")}` };
}

function setUp(world: World, target: string, up: boolean): EventLabel {
  const { node, interface: name } = parseEndpoint(target);
  const kind = up ? "up" : "down";
  if (name === undefined) world.links.get(node)?.link.setUp(up);
  else world.setInterfaceUp(node, name, up);
  return { kind, label: `${target} ${kind}` };
}

/** A value of the file in a few letters. */
function brief(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.keys(value).join(" ");
}
