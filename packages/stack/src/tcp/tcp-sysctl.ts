import type { TcpSettings } from "@seville/tcp";
import { errnoError } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import type { SysctlRanges, SysctlValue } from "../host/sysctl-table.ts";

const BOOL = [0, 1] as const;
const U8 = [0, 255] as const;
const POSITIVE = [1, 0x7fff_ffff] as const;

/** What the kernel takes (`ipv4_net_table`, net/ipv4/sysctl_net_ipv4.c); what is not named takes any int. */
const RANGES: SysctlRanges = {
  tcp_syn_retries: [1, 127],
  tcp_synack_retries: U8,
  tcp_syn_linear_timeouts: [0, 127],
  tcp_retries1: [0, 255],
  tcp_retries2: U8,
  tcp_orphan_retries: U8,
  tcp_syncookies: U8,
  tcp_sack: U8,
  tcp_dsack: U8,
  tcp_timestamps: U8,
  tcp_window_scaling: U8,
  tcp_ecn: [0, 5],
  tcp_ecn_fallback: BOOL,
  tcp_ecn_option: [0, 2],
  tcp_ecn_option_beacon: [0, 3],
  tcp_fastopen_blackhole_timeout_sec: [0, 0x7fff_ffff],
  tcp_early_retrans: [0, 4],
  tcp_recovery: U8,
  tcp_frto: U8,
  tcp_adv_win_scale: [-31, 31],
  tcp_app_win: [0, 31],
  tcp_min_snd_mss: [48, 65_535],
  tcp_mtu_probe_floor: [48, 65_535],
  tcp_mtu_probing: U8,
  tcp_min_tso_segs: [1, 255],
  tcp_tso_win_divisor: U8,
  tcp_tso_rtt_log: U8,
  tcp_pacing_ss_ratio: [0, 1000],
  tcp_pacing_ca_ratio: [0, 1000],
  tcp_keepalive_probes: U8,
  tcp_keepalive_time: POSITIVE,
  tcp_keepalive_intvl: POSITIVE,
  tcp_tw_reuse: [0, 2],
  tcp_rto_min_us: POSITIVE,
  tcp_rto_max_ms: [1000, 120_000],
  tcp_rmem: POSITIVE,
  tcp_wmem: POSITIVE,
  tcp_comp_sack_nr: U8,
  tcp_plb_enabled: BOOL,
  tcp_plb_idle_rehash_rounds: [0, 31],
  tcp_plb_rehash_rounds: [0, 31],
  tcp_plb_suspend_rto_sec: U8,
  tcp_plb_cong_thresh: [0, 256],
};

/**
 * Gives the settings of TCP their names: `net.ipv4.tcp_…` and `net.core.somaxconn`. Limits of socket buffers and path MTU
 * discovery follow `net.core.*mem_max` and `net.ipv4.ip_no_pmtu_disc`.
 *
 * @param known whether there is a congestion control of that name
 */
export function defineTcpSysctls(host: Host, settings: TcpSettings, known: (name: string) => boolean): void {
  const fields = (Object.keys(settings) as (keyof TcpSettings)[]).filter((name) => name.startsWith("tcp_"));
  host.sysctls.define("net.ipv4", settings, RANGES, undefined, {
    fields,
    check: (field, value) => check(field, value, known),
  });
  host.sysctls.define("net.core", settings, { somaxconn: [0, 0x7fff_ffff] }, undefined, { fields: ["somaxconn"] });
  follow(host, settings);
  host.notifier.listen((event) => {
    if (event.type === "sysctl") follow(host, settings);
  });
  for (const [name, text] of host.laterSettings) host.sysctls.setText(name, text);
  host.laterSettings.clear();
}

function check(field: keyof TcpSettings, value: SysctlValue, known: (name: string) => boolean): void {
  if (field === "tcp_congestion_control" && !known(String(value))) {
    throw errnoError("ENOENT", `there is no congestion control ${String(value)}`, field);
  }
  if ((field === "tcp_rmem" || field === "tcp_wmem") && (typeof value !== "object" || value.length !== 3)) {
    throw errnoError("EINVAL", `${field} takes three numbers`, field);
  }
}

function follow(host: Host, settings: TcpSettings): void {
  settings.rmem_max = host.core.rmem_max;
  settings.wmem_max = host.core.wmem_max;
  settings.ip_no_pmtu_disc = host.ipv4.sysctl.ip_no_pmtu_disc;
}
