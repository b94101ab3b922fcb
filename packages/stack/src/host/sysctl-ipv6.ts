/** The IPv6 settings that change what a host does, with the kernel's names and defaults (ip-sysctl.rst). */

/** `net.ipv6.*`. */
export interface Ipv6Sysctls {
  bindv6only: number;
  ip_nonlocal_bind: number;
  auto_flowlabels: number;
  anycast_src_echo_reply: number;
  fib_multipath_hash_policy: number;
  fib_multipath_hash_fields: number;
  fwmark_reflect: number;
  ip6frag_high_thresh: number;
  /** Seconds. */
  ip6frag_time: number;
  max_dst_opts_length: number;
  max_dst_opts_number: number;
  max_hbh_length: number;
  max_hbh_opts_number: number;
  mld_max_msf: number;
  mld_qrv: number;
  idgen_delay: number;
  idgen_retries: number;
}

export function ipv6Sysctls(): Ipv6Sysctls {
  return {
    bindv6only: 0,
    ip_nonlocal_bind: 0,
    auto_flowlabels: 1,
    anycast_src_echo_reply: 0,
    fib_multipath_hash_policy: 0,
    fib_multipath_hash_fields: 0x7,
    fwmark_reflect: 0,
    ip6frag_high_thresh: 4_194_304,
    ip6frag_time: 60,
    max_dst_opts_length: 0x7fff_ffff,
    max_dst_opts_number: 8,
    max_hbh_length: 0x7fff_ffff,
    max_hbh_opts_number: 8,
    mld_max_msf: 64,
    mld_qrv: 2,
    idgen_delay: 1,
    idgen_retries: 3,
  };
}

/** `net.ipv6.icmp.*`. */
export interface Icmpv6Sysctls {
  echo_ignore_all: number;
  echo_ignore_anycast: number;
  echo_ignore_multicast: number;
  /** Milliseconds between two messages to one destination. */
  ratelimit: number;
  /** Types that are limited, as ranges: [from, to, from, to, …]. */
  ratemask: readonly number[];
}

export function icmpv6Sysctls(): Icmpv6Sysctls {
  return {
    echo_ignore_all: 0,
    echo_ignore_anycast: 0,
    echo_ignore_multicast: 0,
    ratelimit: 1000,
    ratemask: [0, 1, 3, 127],
  };
}

/** `net.ipv6.route.*`. */
export interface Ipv6RouteSysctls {
  mtu_expires: number;
}

export function ipv6RouteSysctls(): Ipv6RouteSysctls {
  return { mtu_expires: 600 };
}

/** `net.ipv6.conf.{all,default,IFACE}.*`. */
export interface Ipv6Conf {
  accept_dad: number;
  accept_ra: number;
  accept_ra_defrtr: number;
  accept_ra_from_local: number;
  accept_ra_min_hop_limit: number;
  accept_ra_min_lft: number;
  accept_ra_mtu: number;
  accept_ra_pinfo: number;
  accept_ra_rt_info_max_plen: number;
  accept_ra_rt_info_min_plen: number;
  accept_ra_rtr_pref: number;
  accept_redirects: number;
  accept_source_route: number;
  accept_untracked_na: number;
  addr_gen_mode: number;
  autoconf: number;
  dad_transmits: number;
  disable_ipv6: number;
  drop_unicast_in_l2_multicast: number;
  drop_unsolicited_na: number;
  enhanced_dad: number;
  force_mld_version: number;
  force_tllao: number;
  forwarding: number;
  hop_limit: number;
  ignore_routes_with_linkdown: number;
  keep_addr_on_down: number;
  max_addresses: number;
  max_desync_factor: number;
  mldv1_unsolicited_report_interval: number;
  mldv2_unsolicited_report_interval: number;
  mtu: number;
  ndisc_evict_nocarrier: number;
  ndisc_notify: number;
  ndisc_tclass: number;
  optimistic_dad: number;
  proxy_ndp: number;
  ra_defrtr_metric: number;
  ra_honor_pio_life: number;
  regen_max_retry: number;
  regen_min_advance: number;
  router_probe_interval: number;
  router_solicitation_delay: number;
  router_solicitation_interval: number;
  router_solicitation_max_interval: number;
  router_solicitations: number;
  suppress_frag_ndisc: number;
  temp_prefered_lft: number;
  temp_valid_lft: number;
  use_oif_addrs_only: number;
  use_optimistic: number;
  use_tempaddr: number;
}

export function ipv6Conf(): Ipv6Conf {
  return {
    accept_dad: 1,
    accept_ra: 1,
    accept_ra_defrtr: 1,
    accept_ra_from_local: 0,
    accept_ra_min_hop_limit: 1,
    accept_ra_min_lft: 0,
    accept_ra_mtu: 1,
    accept_ra_pinfo: 1,
    accept_ra_rt_info_max_plen: 0,
    accept_ra_rt_info_min_plen: 0,
    accept_ra_rtr_pref: 1,
    accept_redirects: 1,
    accept_source_route: 0,
    accept_untracked_na: 0,
    addr_gen_mode: 0,
    autoconf: 1,
    dad_transmits: 1,
    disable_ipv6: 0,
    drop_unicast_in_l2_multicast: 0,
    drop_unsolicited_na: 0,
    enhanced_dad: 1,
    force_mld_version: 0,
    force_tllao: 0,
    forwarding: 0,
    hop_limit: 64,
    ignore_routes_with_linkdown: 0,
    keep_addr_on_down: 0,
    max_addresses: 16,
    max_desync_factor: 600,
    mldv1_unsolicited_report_interval: 10_000,
    mldv2_unsolicited_report_interval: 1000,
    mtu: 1280,
    ndisc_evict_nocarrier: 1,
    ndisc_notify: 0,
    ndisc_tclass: 0,
    optimistic_dad: 0,
    proxy_ndp: 0,
    ra_defrtr_metric: 1024,
    ra_honor_pio_life: 0,
    regen_max_retry: 3,
    regen_min_advance: 2,
    router_probe_interval: 60,
    router_solicitation_delay: 1,
    router_solicitation_interval: 4,
    router_solicitation_max_interval: 3600,
    router_solicitations: -1,
    suppress_frag_ndisc: 1,
    temp_prefered_lft: 86_400,
    temp_valid_lft: 604_800,
    use_oif_addrs_only: 0,
    use_optimistic: 0,
    use_tempaddr: 0,
  };
}
