import type { ScenarioPart } from "../schema/part.ts";
import { checkHosts } from "../check/hosts.ts";
import { checkLinks } from "../check/links.ts";
import { checkAttachments } from "../check/attachments.ts";
import { checkNics, checkSuperPackets, checkTunnels } from "../check/devices.ts";
import { checkPatterns } from "../check/fabrics.ts";
import { checkPrograms } from "../check/programs.ts";
import { checkTcp } from "../check/tcp.ts";
import { checkTimeline, checkTraffic } from "../check/traffic.ts";
import { expandFabrics } from "../fabric/expand.ts";
import { ATTACHMENT_KINDS, ATTACHMENTS } from "./attachments.ts";
import {
  ALIGNMENT_DEFINITIONS,
  ALIGNMENT_KEYS,
  NIC_EVENTS,
  NIC_KEYS,
  SUPER_PACKETS,
  TUNNEL_DEFINITIONS,
  TUNNEL_KEYS,
} from "./devices.ts";
import {
  FABRIC_DEFINITIONS,
  MULTIPATH_KEYS,
  PATTERNS,
  RESEQUENCE_KEYS,
  SCENARIO_FABRICS,
  SELECTION,
} from "./fabrics.ts";
import { HOSTS } from "./hosts.ts";
import { LINK_EVENTS, LINKS } from "./links.ts";
import { PROGRAMS, SCENARIO_PROGRAMS } from "./programs.ts";
import { QUANTITIES } from "./quantities.ts";
import { TCP_TRAFFIC } from "./tcp.ts";
import { GENERATORS, TRAFFIC, TRAFFIC_EVENTS } from "./traffic.ts";

/** What every scenario has: hosts, links, traffic, a timeline, attachments. */
export const BASE: ScenarioPart = {
  name: "base",
  definitions: { ...QUANTITIES, ...HOSTS, ...LINKS, ...TRAFFIC, ...ATTACHMENTS },
  check(scenario, report) {
    checkHosts(scenario, report);
    checkLinks(scenario, report);
    checkTraffic(scenario, report);
    checkTimeline(scenario, report);
  },
  load: () => Promise.resolve({}),
};

/** Faults and changes of links. */
export const LINK_FAULTS: ScenarioPart = {
  name: "link-faults",
  choices: { Event: LINK_EVENTS },
  load: async () => (await import("../run/link-events.ts")).linkEvents,
};

/** `ping`, `udp`, `udpEcho`, and the events that start and stop them. */
export const BUILT_IN_TRAFFIC: ScenarioPart = {
  name: "traffic",
  choices: { Traffic: GENERATORS, Event: TRAFFIC_EVENTS },
  load: async () => (await import("../run/generators.ts")).generators,
};

/** `tcp` and `tcpRequests`. */
export const TCP: ScenarioPart = {
  name: "tcp",
  choices: { Traffic: TCP_TRAFFIC },
  check: checkTcp,
  load: async () => (await import("../run/tcp/tcp.ts")).tcpTraffic,
};

/** The outside: what `@seville/host-link` opens. */
export const OUTSIDE: ScenarioPart = {
  name: "outside",
  choices: { Attachment: ATTACHMENT_KINDS },
  check: checkAttachments,
  load: () => Promise.resolve({}),
};

/** Programs of this machine, which `@seville/host-link` runs in the namespaces of attachments. */
export const OUTSIDE_PROGRAMS: ScenarioPart = {
  name: "programs",
  definitions: PROGRAMS,
  properties: { Scenario: SCENARIO_PROGRAMS },
  check: checkPrograms,
  load: () => Promise.resolve({}),
};

/** `nic` and `features` of interfaces. */
export const NICS: ScenarioPart = {
  name: "netdev",
  properties: { Interface: NIC_KEYS },
  choices: { Event: NIC_EVENTS },
  check: checkNics,
  load: async () => (await import("../run/offloads/devices.ts")).nics,
};

/** `tunnel` of interfaces. */
export const TUNNELS: ScenarioPart = {
  name: "tunnels",
  definitions: TUNNEL_DEFINITIONS,
  properties: { Interface: TUNNEL_KEYS },
  check: checkTunnels,
  load: async () => (await import("../run/offloads/devices.ts")).tunnels,
};

/** `alignment` of hosts. */
export const ALIGNMENT: ScenarioPart = {
  name: "alignment",
  definitions: ALIGNMENT_DEFINITIONS,
  properties: { Host: ALIGNMENT_KEYS },
  load: async () => (await import("../run/offloads/alignment.ts")).alignment,
};

/** `superPackets`: where checksums are computed. */
export const OFFLOADS: ScenarioPart = {
  name: "offloads",
  choices: { Traffic: SUPER_PACKETS },
  check: checkSuperPackets,
  load: async () => (await import("../run/offloads/super-packets.ts")).superPackets,
};

/** `fabrics`, the traffic patterns over them, and routes with several next hops. */
export const FABRICS: ScenarioPart = {
  name: "fabrics",
  definitions: { ...SELECTION, ...FABRIC_DEFINITIONS },
  properties: { Scenario: SCENARIO_FABRICS, Route: MULTIPATH_KEYS, Interface: RESEQUENCE_KEYS },
  choices: { Traffic: PATTERNS },
  expand: expandFabrics,
  check: checkPatterns,
  load: async () => (await import("../run/fabric/fabrics.ts")).fabrics,
};

/** The parts that this package ships, in the order in which they are composed. */
export const PARTS: readonly ScenarioPart[] = [
  BASE,
  LINK_FAULTS,
  BUILT_IN_TRAFFIC,
  TCP,
  OUTSIDE,
  OUTSIDE_PROGRAMS,
  NICS,
  TUNNELS,
  OFFLOADS,
  ALIGNMENT,
  FABRICS,
];
