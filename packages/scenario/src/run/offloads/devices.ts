import { SevilleError } from "@seville/core";
import { EMBEDDED_SWITCH, profileOf, withoutChecks } from "@seville/netdev";
import { createOffloadNic, installSegmenter, setFeature } from "@seville/stack/offload";
import { createTunnel } from "@seville/stack/tunnel";
import { parseEndpoint } from "../../check/network.ts";
import type { PartRuntime, World } from "../world.ts";
import { createVxlanNetwork, isVxlanNetwork, tunnelOf } from "./tunnels.ts";
import { embeddedSwitchResults, placeOnPort, switchPortFor } from "./embedded-switches.ts";

/** `nic` and `features` of interfaces, and `ethtool` events. */
export const nics: PartRuntime = {
  device(site, scenario) {
    const { host, spec } = site;
    const name = spec.vf === undefined ? spec.nic : EMBEDDED_SWITCH.name;
    if (name === undefined) return undefined;
    installSegmenter(host);
    const profile = profileOf(name);
    const port = profile.switchPorts === undefined ? undefined : switchPortFor(site, scenario);
    const nic = createOffloadNic(host, port ?? site.end, {
      profile: spec.driver === "careless" ? withoutChecks(profile) : profile,
      ...(spec.rxPad === undefined ? {} : { rxPad: spec.rxPad }),
    });
    if (port !== undefined) placeOnPort(nic, port);
    return nic;
  },
  finish: ({ simulator }) => {
    const embeddedSwitches = embeddedSwitchResults(simulator);
    return embeddedSwitches.length === 0 ? {} : { embeddedSwitches };
  },
  build(world, phase) {
    if (phase !== "interfaces") return;
    for (const [name, spec] of Object.entries(world.scenario.hosts)) {
      for (const [ifname, { features }] of Object.entries(spec.interfaces ?? {})) {
        if (features !== undefined) switchFeatures(world, name, ifname, features);
      }
    }
  },
  actions: {
    ethtool(world, { ethtool }) {
      if (ethtool === undefined) throw new SevilleError("ERR_SCENARIO_PART", "an ethtool event without ethtool");
      const { node, interface: name = "" } = parseEndpoint(ethtool.interface);
      switchFeatures(world, node, name, ethtool.features);
      const list = Object.entries(ethtool.features).map(([word, on]) => `${word} ${on ? "on" : "off"}`);
      return { kind: "set", label: `${ethtool.interface} ${list.join(", ")}` };
    },
  },
};

/** `tunnel` of interfaces. */
export const tunnels: PartRuntime = {
  device({ host, spec }) {
    if (spec.tunnel === undefined) return undefined;
    const { dev } = spec.tunnel;
    installSegmenter(host);
    const options = dev === undefined ? {} : { dev };
    if (isVxlanNetwork(spec.tunnel)) return createVxlanNetwork(host, spec.tunnel, options);
    return createTunnel(host, tunnelOf(spec.tunnel), options);
  },
};

function switchFeatures(
  world: World,
  hostName: string,
  name: string,
  features: Readonly<Record<string, boolean>>,
): void {
  const iface = world.hosts.get(hostName)?.interfaces.named(name);
  if (iface === undefined) throw new SevilleError("ERR_INVALID_ARGUMENT", `there is no host ${hostName}`, "interface");
  for (const [word, on] of Object.entries(features)) {
    const { refused, messages } = setFeature(iface, word, on);
    for (const message of messages) world.warn(`${hostName}:${name}: ${message}`);
    if (refused.length > 0)
      world.warn(`${hostName}:${name}: ${refused.join(", ")} could not be switched ${on ? "on" : "off"}`);
  }
}
