import { LINUX_CONSTANTS } from "./linux-constants.ts";
import type { Profile, SettingChange } from "./profile.ts";

/** Prefixes of the settings that the engine and the host know by the part behind them. */
const PREFIXES = ["net.ipv4.", "net.ipv6.", "net.core."];
/** Settings about what is not there: nothing to set, and nothing that a script could see. */
const WITHOUT_EFFECT = new Set([
  "net.ipv4.tcp_fack",
  "net.ipv4.tcp_min_rtt_wlen",
  "net.ipv4.tcp_available_congestion_control",
  "net.ipv4.tcp_allowed_congestion_control",
  "net.core.default_qdisc",
  "net.core.netdev_budget_usecs",
]);

function translate(name: string, value: string): readonly SettingChange[] | undefined {
  if (WITHOUT_EFFECT.has(name)) return [];
  const prefix = PREFIXES.find((known) => name.startsWith(known));
  if (prefix === undefined) return undefined;
  return [{ name: name.slice(prefix.length), value: value.replace(/\s+/g, " ") }];
}

/** Linux 6.x. */
export const LINUX: Profile = {
  name: "linux",
  defines: ["Linux", "linux"],
  toleranceUsecs: 4_000,
  tolerancePercent: 12.5,
  segmentationOffload: true,
  localAddress: { 4: "192.168.0.1", 6: "fd3d:fa7b:d17d::1" },
  constants: LINUX_CONSTANTS,
  settings: {},
  translateSysctl: translate,
};
