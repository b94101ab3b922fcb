import {
  isIpv4,
  parseInterfaceAddress,
  prefixOf,
  type InterfaceAddress,
  type IpAddress,
  type IpPrefix,
} from "@seville/packet";
import type { Interface, Link, Scenario } from "../types.ts";

/** `host:interface`, taken apart; an attachment has no interface. */
export interface Place {
  readonly node: string;
  readonly interface: string | undefined;
}

export function parseEndpoint(endpoint: string): Place {
  const colon = endpoint.indexOf(":");
  if (colon < 0) return { node: endpoint, interface: undefined };
  return { node: endpoint.slice(0, colon), interface: endpoint.slice(colon + 1) };
}

/** One interface of the scenario, and where it stands in it. */
export interface InterfaceEntry {
  readonly host: string;
  readonly name: string;
  readonly endpoint: string;
  readonly spec: Interface;
  readonly path: readonly string[];
}

/** All interfaces, in the order of the file. */
export function interfacesOf(scenario: Scenario): InterfaceEntry[] {
  return Object.entries(scenario.hosts).flatMap(([host, spec]) =>
    Object.entries(spec.interfaces ?? {}).map(([name, iface]) => ({
      host,
      name,
      endpoint: `${host}:${name}`,
      spec: iface,
      path: ["hosts", host, "interfaces", name],
    })),
  );
}

/** All links, in the order of the file. */
export function linksOf(scenario: Scenario): [name: string, link: Link][] {
  return Object.entries(scenario.links ?? {});
}

/** Addresses of an interface. Ones that do not parse are left out: the check of hosts names them. */
export function addressesOf(spec: Interface): InterfaceAddress[] {
  return (spec.addresses ?? []).flatMap((text) => tryAddress(text) ?? []);
}

export function tryAddress(text: string): InterfaceAddress | undefined {
  try {
    return parseInterfaceAddress(text);
  } catch {
    return undefined; // the caller reports it, with its place
  }
}

/** The on-link prefix of an interface's address. */
export function onLinkPrefix({ address, prefixLength }: InterfaceAddress): IpPrefix {
  return prefixOf(address, prefixLength);
}

export function familyOf(address: IpAddress): "ipv4" | "ipv6" {
  return isIpv4(address) ? "ipv4" : "ipv6";
}
