/**
 * The IPv4 settings that change what a host does, with the kernel's names and defaults
 * (Documentation/networking/ip-sysctl.rst). Times are in the unit that the kernel uses there.
 */

/** `net.ipv4.*`. */
export interface Ipv4Sysctls {
  ip_forward: number;
  ip_default_ttl: number;
  ip_no_pmtu_disc: number;
  ip_forward_use_pmtu: number;
  ip_nonlocal_bind: number;
  ip_local_port_range: readonly number[];
  ip_local_reserved_ports: readonly number[];
  icmp_echo_ignore_all: number;
  icmp_echo_ignore_broadcasts: number;
  icmp_errors_use_inbound_ifaddr: number;
  icmp_ignore_bogus_error_responses: number;
  /** Milliseconds between two errors to one destination. */
  icmp_ratelimit: number;
  /** Bit n: messages of type n are limited. */
  icmp_ratemask: number;
  icmp_msgs_per_sec: number;
  icmp_msgs_burst: number;
  igmp_link_local_mcast_reports: number;
  igmp_max_memberships: number;
  igmp_max_msf: number;
  igmp_qrv: number;
  /** Bytes. */
  ipfrag_high_thresh: number;
  /** Seconds. */
  ipfrag_time: number;
  ipfrag_max_dist: number;
  fib_multipath_hash_policy: number;
  fib_multipath_hash_fields: number;
  fib_multipath_hash_seed: number;
  fwmark_reflect: number;
  raw_l3mdev_accept: number;
  udp_l3mdev_accept: number;
}

export function ipv4Sysctls(): Ipv4Sysctls {
  return {
    ip_forward: 0,
    ip_default_ttl: 64,
    ip_no_pmtu_disc: 0,
    ip_forward_use_pmtu: 0,
    ip_nonlocal_bind: 0,
    ip_local_port_range: [32_768, 60_999],
    ip_local_reserved_ports: [],
    icmp_echo_ignore_all: 0,
    icmp_echo_ignore_broadcasts: 1,
    icmp_errors_use_inbound_ifaddr: 0,
    icmp_ignore_bogus_error_responses: 1,
    icmp_ratelimit: 1000,
    icmp_ratemask: 6168,
    icmp_msgs_per_sec: 1000,
    icmp_msgs_burst: 50,
    igmp_link_local_mcast_reports: 1,
    igmp_max_memberships: 20,
    igmp_max_msf: 10,
    igmp_qrv: 2,
    ipfrag_high_thresh: 4_194_304,
    ipfrag_time: 30,
    ipfrag_max_dist: 64,
    fib_multipath_hash_policy: 0,
    fib_multipath_hash_fields: 0x7,
    fib_multipath_hash_seed: 0,
    fwmark_reflect: 0,
    raw_l3mdev_accept: 1,
    udp_l3mdev_accept: 0,
  };
}

/** `net.ipv4.route.*`. */
export interface Ipv4RouteSysctls {
  /** Seconds that a learned path MTU is believed. */
  mtu_expires: number;
  min_pmtu: number;
  /** Redirects to one host that does not listen. */
  redirect_number: number;
  /** Milliseconds before the second one, doubled each time. */
  redirect_load: number;
  /** Milliseconds after which all is forgotten. */
  redirect_silence: number;
}

export function ipv4RouteSysctls(): Ipv4RouteSysctls {
  return {
    mtu_expires: 600,
    min_pmtu: 552,
    redirect_number: 9,
    redirect_load: 20,
    redirect_silence: 20_480,
  };
}

/** `net.ipv4.conf.{all,default,IFACE}.*`. */
export interface Ipv4Conf {
  accept_local: number;
  accept_redirects: number;
  accept_source_route: number;
  arp_accept: number;
  arp_announce: number;
  arp_evict_nocarrier: number;
  arp_filter: number;
  arp_ignore: number;
  arp_notify: number;
  drop_gratuitous_arp: number;
  drop_unicast_in_l2_multicast: number;
  force_igmp_version: number;
  forwarding: number;
  igmpv2_unsolicited_report_interval: number;
  igmpv3_unsolicited_report_interval: number;
  ignore_routes_with_linkdown: number;
  promote_secondaries: number;
  proxy_arp: number;
  proxy_arp_pvlan: number;
  route_localnet: number;
  rp_filter: number;
  send_redirects: number;
  shared_media: number;
  src_valid_mark: number;
}

export function ipv4Conf(): Ipv4Conf {
  return {
    accept_local: 0,
    accept_redirects: 1,
    accept_source_route: 1,
    arp_accept: 0,
    arp_announce: 0,
    arp_evict_nocarrier: 1,
    arp_filter: 0,
    arp_ignore: 0,
    arp_notify: 0,
    drop_gratuitous_arp: 0,
    drop_unicast_in_l2_multicast: 0,
    force_igmp_version: 0,
    forwarding: 0,
    igmpv2_unsolicited_report_interval: 10_000,
    igmpv3_unsolicited_report_interval: 1000,
    ignore_routes_with_linkdown: 0,
    promote_secondaries: 0,
    proxy_arp: 0,
    proxy_arp_pvlan: 0,
    route_localnet: 0,
    rp_filter: 0,
    send_redirects: 1,
    shared_media: 1,
    src_valid_mark: 0,
  };
}

/** `net.{ipv4,ipv6}.neigh.{default,IFACE}.*`. */
export interface NeighConf {
  anycast_delay: number;
  app_solicit: number;
  base_reachable_time_ms: number;
  delay_first_probe_time: number;
  gc_interval: number;
  gc_stale_time: number;
  gc_thresh1: number;
  gc_thresh2: number;
  gc_thresh3: number;
  interval_probe_time_ms: number;
  locktime: number;
  mcast_resolicit: number;
  mcast_solicit: number;
  proxy_delay: number;
  proxy_qlen: number;
  retrans_time_ms: number;
  ucast_solicit: number;
  unres_qlen_bytes: number;
}

export function neighConf(family: 4 | 6): NeighConf {
  return {
    anycast_delay: 100,
    app_solicit: 0,
    base_reachable_time_ms: 30_000,
    delay_first_probe_time: 5,
    gc_interval: 30,
    gc_stale_time: 60,
    gc_thresh1: 128,
    gc_thresh2: 512,
    gc_thresh3: 1024,
    interval_probe_time_ms: 5000,
    locktime: family === 4 ? 100 : 0,
    mcast_resolicit: 0,
    mcast_solicit: 3,
    proxy_delay: 80,
    proxy_qlen: 64,
    retrans_time_ms: 1000,
    ucast_solicit: 3,
    unres_qlen_bytes: 212_992,
  };
}
