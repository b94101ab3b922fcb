import { ScriptError, UnsupportedError } from "../language/errors.ts";
import { parseExpression, type Expression } from "../language/expression.ts";
import { Cursor } from "../language/cursor.ts";
import type { ScriptOption } from "../language/script.ts";
import type { Profile } from "../profile/profile.ts";

/** What a run depends on beside the script's lines: the command line, then the options at its top. */
export interface RunConfig {
  readonly profile: Profile;
  /** PSH, window and layout of options are not compared. */
  readonly lenient: boolean;
  readonly family: 4 | 6;
  /** IPv4 through an AF_INET6 socket. */
  readonly mapped: boolean;
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly bindPort: number;
  readonly connectPort: number;
  readonly mtu: number;
  readonly toleranceUsecs: number;
  readonly tolerancePercent: number;
  /** Microseconds per tick of outbound TS values; 0: they are not compared. */
  readonly tsTickUsecs: number;
  /** The echoed timestamps of outbound segments are compared too: packetdrill itself does not. */
  readonly checkTsEcr: boolean;
  /** TCP travels in UDP. */
  readonly tcpInUdp: boolean;
  readonly defines: ReadonlyMap<string, Expression>;
}

export interface Overrides {
  readonly lenient?: boolean;
  readonly toleranceUsecs?: number | undefined;
}

const REMOTE = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
/** Options that say nothing here: about the real tool's own process, or what it prints. */
const IGNORED = new Set([
  "init_scripts",
  "local_linklocal_ip",
  "gateway_ip",
  "gateway_linklocal_ip",
  "netmask_ip",
  "speed",
  "verbose",
  "debug",
  "no_cleanup",
  "dry_run",
  "code_command",
  "code_format",
  "code_sockopt",
  "tun_dev",
  "persistent_tun_dev",
  "send_omit_free",
  "fixed_isn",
]);

/** Puts together what holds for a script. The command line's tolerance is a default: the script's own option wins if it is larger. */
export function readConfig(profile: Profile, options: readonly ScriptOption[], overrides: Overrides = {}): RunConfig {
  const values = new Map<string, ScriptOption>();
  const defines = new Map<string, Expression>();
  for (const option of options) {
    if (option.name === "define" || option.name === "D") define(option, defines);
    else values.set(option.name, option);
  }
  for (const [name, option] of values) checkName(name, option);
  const version = values.get("ip_version")?.value ?? "ipv4";
  if (!["ipv4", "ipv6", "ipv4_mapped_ipv6", "ipv4-mapped-ipv6"].includes(version)) {
    throw new ScriptError(values.get("ip_version")?.line ?? 1, `unknown --ip_version ${version}`);
  }
  const family = version === "ipv6" ? 6 : 4;
  const number = (name: string, otherwise: number): number => numberOption(values.get(name), otherwise);
  return {
    profile,
    lenient: overrides.lenient ?? false,
    family,
    mapped: version.startsWith("ipv4") && version.endsWith("ipv6"),
    localAddress: addressOption(values.get("local_ip")) ?? profile.localAddress[family],
    remoteAddress: addressOption(values.get("remote_ip")) ?? REMOTE[family],
    bindPort: number("bind_port", 8080),
    connectPort: number("connect_port", 8080),
    mtu: number("mtu", 1500),
    toleranceUsecs: Math.max(number("tolerance_usecs", profile.toleranceUsecs), overrides.toleranceUsecs ?? 0),
    tolerancePercent: number("tolerance_percent", profile.tolerancePercent),
    tsTickUsecs: number("tcp_ts_tick_usecs", 0),
    checkTsEcr: values.has("check_ts_ecr"),
    tcpInUdp: values.get("udp_encapsulation")?.value === "tcp",
    defines,
  };
}

const KNOWN = new Set([
  "ip_version",
  "local_ip",
  "remote_ip",
  "bind_port",
  "connect_port",
  "mtu",
  "tolerance_usecs",
  "tolerance_percent",
  "tcp_ts_tick_usecs",
  "check_ts_ecr",
]);

function checkName(name: string, option: ScriptOption): void {
  if (KNOWN.has(name) || IGNORED.has(name)) return;
  if (name === "udp_encapsulation" && option.value === "tcp") return;
  throw new UnsupportedError(`option --${name}${option.value === undefined ? "" : `=${option.value}`}`);
}

function numberOption(option: ScriptOption | undefined, otherwise: number): number {
  if (option === undefined) return otherwise;
  const value = Number(option.value);
  if (option.value === undefined || Number.isNaN(value))
    throw new ScriptError(option.line, `--${option.name} needs a number`);
  return value;
}

function addressOption(option: ScriptOption | undefined): string | undefined {
  return option?.value?.split("/")[0];
}

/** `--define=NAME=value`: a word, a number or a text. */
function define(option: ScriptOption, defines: Map<string, Expression>): void {
  const match = /^(\w+)(?:=([^]*))?$/.exec(option.value ?? "");
  if (match === null) throw new ScriptError(option.line, "--define needs NAME=VALUE");
  defines.set(match[1] as string, parseExpression(new Cursor(match[2] ?? "1")));
}
