import type { Output } from "./filters.ts";
import type { ShellWorld } from "./run-command.ts";
import { setSysctl } from "./sysctl.ts";

/**
 * What the scripts that suites call first ask of a kernel: buffers of a data centre's host, CUBIC, SACK, timestamps, no ECN, Fast Open on
 * both sides with a fixed key. Settings that an engine does not have (FACK is gone from Linux as well) are left alone.
 */
const DEFAULTS: Readonly<Record<string, string>> = {
  tcp_rmem: "4096 540000 15728640",
  tcp_wmem: "4096 262144 4194304",
  tcp_timestamps: "1",
  tcp_syn_retries: "5",
  tcp_synack_retries: "5",
  tcp_frto: "2",
  tcp_sack: "1",
  tcp_dsack: "1",
  tcp_reordering: "3",
  tcp_congestion_control: "cubic",
  tcp_slow_start_after_idle: "0",
  tcp_early_retrans: "4",
  tcp_recovery: "1",
  tcp_tso_win_divisor: "3",
  tcp_ecn: "0",
  tcp_ecn_option: "2",
  tcp_pacing_ss_ratio: "200",
  tcp_pacing_ca_ratio: "120",
  tcp_notsent_lowat: "4294967295",
  tcp_fastopen: String(0x70403),
  tcp_fastopen_key: "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4",
  tcp_syncookies: "1",
};

/** `defaults.sh` */
export function applyDefaults(world: ShellWorld): Output {
  world.sut.flushMetrics();
  for (const [name, value] of Object.entries(DEFAULTS)) setSysctl(`net.ipv4.${name}`, value, world);
  return { text: "", status: 0 };
}
