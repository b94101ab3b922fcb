import { FREEBSD_CONSTANTS } from "./freebsd-constants.ts";
import type { Profile, SettingChange } from "./profile.ts";

type Translation = (value: string) => readonly SettingChange[];

/** One setting of the same meaning. */
function same(name: string): Translation {
  return (value) => [{ name, value }];
}

/** One of the three numbers of `tcp_rmem` and `tcp_wmem`. */
function bufferPart(name: "tcp_rmem" | "tcp_wmem", index: 1 | 2): Translation {
  return (value) => [{ name: `${name}[${index}]`, value }];
}

function scaled(name: string, factor: number): Translation {
  return (value) => [{ name, value: String(Math.round(Number(value) * factor)) }];
}

/** A bit of a setting. */
function bit(name: string, mask: number): Translation {
  return (value) => [{ name: `${name}&${mask}`, value }];
}

function delack(value: string): readonly SettingChange[] {
  return [
    { name: "delackMinMs", value },
    { name: "delackMaxMs", value },
  ];
}

const IGNORED: Translation = () => [];

/** net.inet.tcp.* (sys/netinet/tcp_var.h, tcp(4)) by the engine's settings and knobs; times there are in ms. */
const TCP: Readonly<Record<string, Translation>> = {
  rfc1323: (value) => [
    { name: "tcp_timestamps", value: value === "0" || value === "2" ? "0" : "1" },
    { name: "tcp_window_scaling", value: value === "0" || value === "3" ? "0" : "1" },
  ],
  "sack.enable": same("tcp_sack"),
  "ecn.enable": same("tcp_ecn"),
  blackhole: same("blackhole"),
  recvspace: bufferPart("tcp_rmem", 1),
  sendspace: bufferPart("tcp_wmem", 1),
  recvbuf_max: bufferPart("tcp_rmem", 2),
  sendbuf_max: bufferPart("tcp_wmem", 2),
  recvbuf_auto: same("tcp_moderate_rcvbuf"),
  insecure_rst: same("insecureRst"),
  insecure_syn: same("insecureSyn"),
  insecure_ack: same("insecureAck"),
  drop_synfin: same("dropSynFin"),
  rexmit_initial: same("initialRtoMs"),
  rexmit_min: scaled("tcp_rto_min_us", 1000),
  rexmit_slop: same("rexmitSlopMs"),
  rexmit_drop_options: same("rexmitDropOptions"),
  syncookies: same("tcp_syncookies"),
  syncookies_only: (value) => (value === "0" ? [] : [{ name: "tcp_syncookies", value: "2" }]),
  tolerate_missing_ts: same("tolerateMissingTimestamps"),
  minmss: same("minMss"),
  mssdflt: same("mssDefault"),
  v6mssdflt: same("mssDefault6"),
  // Without delayed acknowledgments the timer has no time to run.
  delayed_ack: (value) => (value === "0" ? delack("0") : delack("40")),
  delacktime: delack,
  keepidle: scaled("tcp_keepalive_time", 1 / 1000),
  keepintvl: scaled("tcp_keepalive_intvl", 1 / 1000),
  keepcnt: same("tcp_keepalive_probes"),
  keepinit: same("keepInitMs"),
  always_keepalive: IGNORED,
  msl: (value) => [{ name: "timewaitMs", value: String(2 * Number(value)) }],
  finwait2_timeout: same("finwait2TimeoutMs"),
  fast_finwait2_recycle: IGNORED,
  initcwnd_segments: same("initialCwnd"),
  path_mtu_discovery: (value) => [{ name: "ip_no_pmtu_disc", value: value === "0" ? "1" : "0" }],
  "cc.algorithm": (value) => [{ name: "tcp_congestion_control", value: value === "newreno" ? "reno" : value }],
  "fastopen.server_enable": bit("tcp_fastopen", 2),
  "fastopen.client_enable": bit("tcp_fastopen", 1),
  "fastopen.acceptany": bit("tcp_fastopen", 0x200),
  "fastopen.setkey": same("tcp_fastopen_key"),
  udp_tunneling_port: same("udpTunnelingPort"),
  udp_tunneling_overhead: same("udpTunnelingOverhead"),
  ts_offset_per_conn: (value) => [{ name: "tcp_timestamps", value: value === "0" ? "2" : "1" }],
};

/** Names whose default is all that this engine has: their scripts set them to be sure. */
const IGNORED_TCP = [
  /^hostcache\./,
  /^log_/,
  /^pmtud_blackhole/,
  /^v6pmtud_blackhole/,
  /^icmp_may_rst$/,
  /^nolocaltimewait$/,
  /^functions_default$/,
  /^functions_inherit_listen_socket_stack$/,
  /^reass\./,
  /^tso$/,
  /^rfc(3042|3390|3465|6675_pipe)$/,
  /^abc_l_var$/,
  /^do_(lrd|prr|tcpdrain)$/,
  /^newcwv$/,
  /^ack_war_(cnt|timewindow)$/,
  /^maxtcptw$/,
  /^per_cpu_timers$/,
  /^isn_reseed_interval$/,
  /^(persmin|persmax|maxunacktime|retries|rexmit_drop_options_rst)$/,
  /^sendbuf_(auto|inc|auto_lowat)$/,
  /^soreceive_stream$/,
  /^fastopen\.(autokey|ccache_bucket_limit|ccache_buckets|maxkeys|maxpsks|path_disable_time|psk_enable|keylen|numkeys|numpsks|setpsk)$/,
  /^rack\./,
  /^bbr\./,
  /^(lro|hpts)\./,
  /^insecure_vnet$/,
  /^sack\.(maxholes|globalmaxholes|tso|revised|lrd)$/,
];

function translate(name: string, value: string): readonly SettingChange[] | undefined {
  if (name === "kern.ipc.maxsockbuf") return bufferPart("tcp_rmem", 2)(value);
  if (/^(kern|security|net\.inet\.(ip|icmp)|net\.inet6\.(ip6|icmp6)|net\.link)\./.test(name)) return [];
  if (!name.startsWith("net.inet.tcp.")) return undefined;
  const short = name.slice("net.inet.tcp.".length);
  const translation = Object.hasOwn(TCP, short) ? TCP[short] : undefined;
  if (translation !== undefined) return translation(value);
  return IGNORED_TCP.some((pattern) => pattern.test(short)) ? [] : undefined;
}

/** FreeBSD 15, its default stack. */
export const FREEBSD: Profile = {
  name: "freebsd",
  defines: ["FreeBSD"],
  toleranceUsecs: 4_000,
  tolerancePercent: 5,
  segmentationOffload: false,
  localAddress: { 4: "192.168.0.1", 6: "fd3d:fa7b:d17d::1" },
  constants: FREEBSD_CONSTANTS,
  settings: {},
  translateSysctl: translate,
};
