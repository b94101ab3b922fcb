import type { Host } from "./host.ts";

type Group = Readonly<Record<string, number>>;

/** /proc/net/snmp, as the kernel prints it: two lines a group, names and values. */
export function formatSnmp(host: Host): string {
  const { mib, ipv4 } = host;
  const forwarding = { Forwarding: ipv4.confAll.forwarding === 0 ? 2 : 1, DefaultTTL: ipv4.sysctl.ip_default_ttl };
  const groups: [string, Group][] = [
    ["Ip", { ...forwarding, ...mib.ip }],
    ["Icmp", { ...mib.icmp }],
    ["IcmpMsg", Object.fromEntries(mib.icmpMsg)],
    ...extra(host, (name) => !name.endsWith("Ext")),
    ["Udp", { ...mib.udp }],
  ];
  return lines(groups);
}

/** /proc/net/netstat. */
export function formatNetstat(host: Host): string {
  return lines([...extra(host, (name) => name.endsWith("Ext")), ["IpExt", { ...host.mib.ipExt }]]);
}

/** /proc/net/snmp6: one counter a line. */
export function formatSnmp6(host: Host): string {
  const { mib } = host;
  const groups: [string, Group][] = [
    ["Ip6", { ...mib.ip6 }],
    ["Icmp6", { ...mib.icmp6, ...Object.fromEntries(mib.icmp6Msg) }],
    ["Udp6", { ...mib.udp6 }],
  ];
  return groups
    .flatMap(([prefix, group]) =>
      Object.entries(group).map(([name, value]) => `${(prefix + name).padEnd(32)}\t${value}\n`),
    )
    .join("");
}

function extra(host: Host, wanted: (name: string) => boolean): [string, Group][] {
  return [...host.mib.extra].filter(([name]) => wanted(name));
}

function lines(groups: readonly [string, Group][]): string {
  return groups
    .filter(([, group]) => Object.keys(group).length > 0)
    .map(([name, group]) => `${name}: ${Object.keys(group).join(" ")}\n${name}: ${Object.values(group).join(" ")}\n`)
    .join("");
}
