import { EmbeddedSwitch, type SwitchPort } from "@seville/netdev";
import type { LinkEnd } from "@seville/sim";
import type { NetDevice, NetInterface } from "@seville/stack";
import type { Scheduler } from "@seville/core";
import type { Scenario } from "../../types.ts";
import { parseEndpoint } from "../../check/network.ts";
import type { DeviceSite } from "../world.ts";
import type { EmbeddedSwitchResult } from "./embedded-switch-result.ts";

/** A switch in a NIC, and whose function is on each of its ports. */
interface Placed {
  readonly device: EmbeddedSwitch;
  readonly functions: string[];
}

/** The switches of a world, by their NICs' endpoints. */
const placed = new WeakMap<Scheduler, Map<string, Placed>>();

/**
 * The port for an interface: of its own NIC's switch, or, for a virtual function, of the NIC that `vf` names. The switch is made
 * with whichever of them comes first.
 */
export function switchPortFor(site: DeviceSite, scenario: Scenario): SwitchPort {
  const nic = site.spec.vf ?? site.endpoint;
  const { device, functions } = switchOf(site, nic, scenario);
  if (nic === site.endpoint) return device.ports[0] as SwitchPort;
  functions.push(site.endpoint);
  return device.addPort();
}

/** Gives a port its function's address, as the administrator does (`ip link set PF vf N mac`), once that is known. */
export function placeOnPort(device: NetDevice, port: SwitchPort): void {
  const attach = device.attach.bind(device);
  device.attach = (iface: NetInterface): void => {
    attach(iface);
    port.mac = iface.mac;
  };
}

/** What the switches of a world counted. */
export function embeddedSwitchResults(scheduler: Scheduler): EmbeddedSwitchResult[] {
  return [...(placed.get(scheduler) ?? [])].map(([nic, { device, functions }]) => ({
    nic,
    mode: device.mode,
    ports: [
      { port: "uplink", ...device.uplinkStats },
      ...device.ports.map(({ stats }, i) => ({ port: functions[i] as string, ...stats })),
    ],
  }));
}

function switchOf(site: DeviceSite, nic: string, scenario: Scenario): Placed {
  const { scheduler } = site.host;
  let switches = placed.get(scheduler);
  if (switches === undefined) {
    switches = new Map<string, Placed>();
    placed.set(scheduler, switches);
  }
  const known = switches.get(nic);
  if (known !== undefined) return known;
  const { node, interface: name = "" } = parseEndpoint(nic);
  const { mode, spoofCheck } = scenario.hosts[node]?.interfaces?.[name]?.embeddedSwitch ?? {};
  // The check has seen that a NIC with virtual functions is at a link; another may be at none.
  const uplink: LinkEnd = site.linkEnd(nic) ?? site.end;
  const options = {
    uplink,
    ports: 1,
    ...(mode === undefined ? {} : { mode }),
    ...(spoofCheck === undefined ? {} : { spoofCheck }),
  };
  const made: Placed = { device: new EmbeddedSwitch(options, () => scheduler.now), functions: [nic] };
  switches.set(nic, made);
  return made;
}
