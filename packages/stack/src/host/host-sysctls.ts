import type { Host } from "./host.ts";
import type { SysctlRanges } from "./sysctl-table.ts";
import type { NetInterface } from "../interface/net-interface.ts";

const BOOL = [0, 1] as const;
const PORTS = [0, 65_535] as const;
const UNSIGNED = [0, 0x7fff_ffff] as const;

const IPV4_RANGES: SysctlRanges = {
  ip_default_ttl: [1, 255],
  ip_no_pmtu_disc: [0, 3],
  ip_forward_use_pmtu: [0, 255],
  ip_nonlocal_bind: [0, 255],
  ip_local_port_range: PORTS,
  ip_local_reserved_ports: PORTS,
  icmp_echo_ignore_all: BOOL,
  icmp_echo_ignore_broadcasts: BOOL,
  icmp_errors_use_inbound_ifaddr: BOOL,
  icmp_ignore_bogus_error_responses: BOOL,
  icmp_ratelimit: UNSIGNED,
  icmp_msgs_per_sec: UNSIGNED,
  icmp_msgs_burst: UNSIGNED,
  igmp_qrv: [1, 0x7fff_ffff],
  fib_multipath_hash_policy: [0, 3],
  fib_multipath_hash_fields: [1, 0xfff],
  fib_multipath_hash_seed: [0, 0xffff_ffff],
  raw_l3mdev_accept: BOOL,
  udp_l3mdev_accept: BOOL,
  ipfrag_max_dist: UNSIGNED,
};

const IPV6_RANGES: SysctlRanges = {
  bindv6only: BOOL,
  auto_flowlabels: [0, 3],
  fib_multipath_hash_policy: [0, 3],
  fib_multipath_hash_fields: [1, 0xfff],
  mld_qrv: [1, 0x7fff_ffff],
};

/** Gives the host's settings their names, and the changes that the kernel makes when they are written. */
export function defineHostSysctls(host: Host): void {
  const { sysctls, ipv4, ipv6 } = host;
  sysctls.define("net.core", host.core, {
    rmem_default: [2304, 0x7fff_ffff],
    rmem_max: [2304, 0x7fff_ffff],
    wmem_default: [4608, 0x7fff_ffff],
    wmem_max: [4608, 0x7fff_ffff],
  });
  sysctls.define("net.ipv4", ipv4.sysctl, IPV4_RANGES, (field) => {
    if (field === "ip_forward") setForwarding4(host, ipv4.sysctl.ip_forward);
  });
  sysctls.define("net.ipv4.route", ipv4.route);
  sysctls.define("net.ipv4.neigh.default", ipv4.neighDefault);
  sysctls.define("net.ipv4.conf.default", ipv4.confDefault);
  sysctls.define("net.ipv4.conf.all", ipv4.confAll, {}, (field) => {
    if (field === "forwarding") setForwarding4(host, ipv4.confAll.forwarding);
  });
  sysctls.define("net.ipv6", ipv6.sysctl, IPV6_RANGES);
  sysctls.define("net.ipv6.icmp", ipv6.icmpSysctl, { ratelimit: UNSIGNED, ratemask: [0, 255] });
  sysctls.define("net.ipv6.route", ipv6.route);
  sysctls.define("net.ipv6.neigh.default", ipv6.neighDefault);
  sysctls.define("net.ipv6.conf.default", ipv6.confDefault, { hop_limit: [1, 255] });
  sysctls.define("net.ipv6.conf.all", ipv6.confAll, { hop_limit: [1, 255] }, (field) => {
    if (field === "forwarding") setForwarding6(host, ipv6.confAll.forwarding);
    if (field === "disable_ipv6") setDisabled6(host, ipv6.confAll.disable_ipv6);
  });
}

/** The settings of an interface come and go with it, under its name. */
export function defineInterfaceSysctls(host: Host, iface: NetInterface): void {
  const { sysctls } = host;
  sysctls.define(`net.ipv4.conf.${iface.name}`, iface.v4.conf);
  sysctls.define(`net.ipv4.neigh.${iface.name}`, iface.v4.neigh);
  sysctls.define(`net.ipv6.conf.${iface.name}`, iface.v6.conf, { hop_limit: [1, 255] });
  sysctls.define(`net.ipv6.neigh.${iface.name}`, iface.v6.neigh);
}

export function undefineInterfaceSysctls(host: Host, name: string): void {
  for (const family of ["ipv4", "ipv6"]) {
    for (const kind of ["conf", "neigh"]) host.sysctls.undefine(`net.${family}.${kind}.${name}`);
  }
}

/** `inet_forward_change`: `ip_forward` and `conf.all.forwarding` are one, and writing it writes every interface's. */
function setForwarding4(host: Host, value: number): void {
  const { ipv4 } = host;
  const on = value === 0 ? 0 : 1;
  ipv4.sysctl.ip_forward = on;
  // A router does not believe redirects (net/ipv4/devinet.c).
  for (const conf of [ipv4.confAll, ipv4.confDefault]) conf.forwarding = on;
  ipv4.confAll.accept_redirects = on === 1 ? 0 : 1;
  for (const iface of host.interfaces) iface.v4.conf.forwarding = on;
}

/** `addrconf_fixup_forwarding` for `all`. */
function setForwarding6(host: Host, value: number): void {
  host.ipv6.confDefault.forwarding = value;
  for (const iface of host.interfaces) iface.v6.conf.forwarding = value;
}

/** `addrconf_disable_ipv6` for `all`. */
function setDisabled6(host: Host, value: number): void {
  host.ipv6.confDefault.disable_ipv6 = value;
  for (const iface of host.interfaces) iface.v6.conf.disable_ipv6 = value;
}
