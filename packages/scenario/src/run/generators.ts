import { ping } from "./ping.ts";
import { udpEcho } from "./udp-echo.ts";
import { udpFlow } from "./udp-flow.ts";
import type { PartRuntime, World } from "./world.ts";

/** The traffic that scenario files know, and the events that start and stop any traffic. */
export const generators: PartRuntime = {
  traffic: { ping, udp: udpFlow, udpEcho },
  actions: {
    start(world, { start = [] }) {
      for (const name of listOf(start)) world.traffic.get(name)?.start(world.simulator.now);
      return { kind: "start", label: `start ${namesOf(start)}` };
    },
    stop(world: World, { stop = [] }) {
      for (const name of listOf(stop)) world.traffic.get(name)?.stop(world.simulator.now);
      return { kind: "stop", label: `stop ${namesOf(stop)}` };
    },
  },
};

function listOf(names: string | readonly string[]): readonly string[] {
  return typeof names === "string" ? [names] : names;
}

function namesOf(names: string | readonly string[]): string {
  return listOf(names).join(", ");
}
