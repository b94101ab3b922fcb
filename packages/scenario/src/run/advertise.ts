import { NS_PER_SEC } from "@seville/core";
import {
  Ipv6Prefix,
  isIpv4,
  isLinkLocal,
  parseInterfaceAddress,
  parseIpv6Prefix,
  type Ipv6Address,
} from "@seville/packet";
import type { Host, NetInterface } from "@seville/stack";
import { duration } from "../quantities.ts";
import type { Interface } from "../types.ts";

/** Has `device` advertise itself as a router, as its `advertise` says (RFC 4861 §6.2). */
export function configureAdvertisements(host: Host, device: NetInterface, spec: Interface): void {
  const { advertise } = spec;
  if (advertise === undefined || advertise === false) return;
  const settings = advertise === true ? {} : advertise;
  host.links?.nd.advertise(device, {
    maxInterval: duration(settings.interval ?? "200s") / NS_PER_SEC,
    defaultLifetime: duration(settings.lifetime ?? "1800s") / NS_PER_SEC,
    curHopLimit: settings.hopLimit ?? 64,
    prefixes: settings.prefixes?.map(writtenPrefix) ?? ownPrefixes(spec),
    ...(settings.mtu === undefined ? {} : { linkMtu: settings.mtu }),
  });
}

interface AdvertisedPrefix {
  readonly prefix: Ipv6Address;
  readonly prefixLength: number;
}

function writtenPrefix(text: string): AdvertisedPrefix {
  return advertised(parseIpv6Prefix(text));
}

/** The prefixes of the interface's own global addresses, each once. */
function ownPrefixes(spec: Interface): AdvertisedPrefix[] {
  const prefixes = new Map<string, AdvertisedPrefix>();
  for (const text of spec.addresses ?? []) {
    const { address, prefixLength } = parseInterfaceAddress(text);
    if (isIpv4(address) || isLinkLocal(address)) continue;
    const prefix = Ipv6Prefix.of(address, prefixLength);
    prefixes.set(prefix.toString(), advertised(prefix));
  }
  return [...prefixes.values()];
}

function advertised({ network, length }: Ipv6Prefix): AdvertisedPrefix {
  return { prefix: network, prefixLength: length };
}
