/**
 * What can be set for all connections of an endpoint: sysctls under their kernel names (Documentation/networking/ip-sysctl.rst; times in the
 * kernel's unit, given at each), and knobs for what the kernel has fixed and other systems do otherwise. A profile is a set of these and nothing else.
 */
export interface TcpSettings {
  tcp_sack: number;
  tcp_dsack: number;
  /** 0 off, 1 with a random offset per peer, 2 without. */
  tcp_timestamps: number;
  tcp_window_scaling: number;
  /** 0 off, 1 ask and accept, 2 accept, 3 AccECN ask and accept, 4 AccECN ask … as in 6.18, 5 AccECN accept but ask for none. */
  tcp_ecn: number;
  tcp_ecn_fallback: number;
  /** 0 never send the AccECN option, 1 minimum, 2 full. */
  tcp_ecn_option: number;
  tcp_ecn_option_beacon: number;
  /** Bits: 1 client, 2 server, 4 data in SYN without cookie, 0x200 accept without cookie, 0x400 all listeners. */
  tcp_fastopen: number;
  tcp_fastopen_blackhole_timeout_sec: number;
  tcp_syn_retries: number;
  tcp_synack_retries: number;
  tcp_syn_linear_timeouts: number;
  tcp_syncookies: number;
  tcp_max_syn_backlog: number;
  tcp_abort_on_overflow: number;
  tcp_retries1: number;
  tcp_retries2: number;
  tcp_orphan_retries: number;
  tcp_rto_min_us: number;
  tcp_rto_max_ms: number;
  tcp_frto: number;
  tcp_recovery: number;
  /** 3: TLP; 0: none. */
  tcp_early_retrans: number;
  tcp_reordering: number;
  tcp_max_reordering: number;
  tcp_thin_linear_timeouts: number;
  tcp_retrans_collapse: number;
  tcp_slow_start_after_idle: number;
  tcp_congestion_control: string;
  tcp_no_metrics_save: number;
  tcp_no_ssthresh_metrics_save: number;
  tcp_moderate_rcvbuf: number;
  tcp_adv_win_scale: number;
  tcp_app_win: number;
  /** min, default, max. */
  tcp_rmem: readonly [number, number, number];
  tcp_wmem: readonly [number, number, number];
  tcp_shrink_window: number;
  tcp_workaround_signed_windows: number;
  tcp_notsent_lowat: number;
  tcp_autocorking: number;
  tcp_min_tso_segs: number;
  tcp_tso_win_divisor: number;
  tcp_tso_rtt_log: number;
  tcp_pacing_ss_ratio: number;
  tcp_pacing_ca_ratio: number;
  tcp_limit_output_bytes: number;
  tcp_keepalive_time: number;
  tcp_keepalive_intvl: number;
  tcp_keepalive_probes: number;
  tcp_fin_timeout: number;
  tcp_tw_reuse: number;
  tcp_max_tw_buckets: number;
  tcp_max_orphans: number;
  tcp_rfc1337: number;
  tcp_stdurg: number;
  tcp_challenge_ack_limit: number;
  /** ms. */
  tcp_invalid_ratelimit: number;
  tcp_mtu_probing: number;
  tcp_base_mss: number;
  tcp_min_snd_mss: number;
  tcp_mtu_probe_floor: number;
  tcp_probe_threshold: number;
  tcp_probe_interval: number;
  ip_no_pmtu_disc: number;
  tcp_comp_sack_delay_ns: number;
  tcp_comp_sack_nr: number;
  tcp_comp_sack_slack_ns: number;
  tcp_reflect_tos: number;
  /** Who is bound to no device takes segments from VRFs too, and the connection is bound to the VRF. */
  tcp_l3mdev_accept: number;
  tcp_backlog_ack_defer: number;
  tcp_plb_enabled: number;
  tcp_plb_idle_rehash_rounds: number;
  tcp_plb_rehash_rounds: number;
  tcp_plb_suspend_rto_sec: number;
  tcp_plb_cong_thresh: number;
  somaxconn: number;
  rmem_max: number;
  wmem_max: number;

  // Knobs that the kernel has no sysctl for.
  /** Order and padding of options. */
  optionLayout: "linux" | "freebsd";
  /** Initial window in segments where the route says nothing (TCP_INIT_CWND). */
  initialCwnd: number;
  /** First retransmission timeout of a SYN and of data without an RTT sample, ms (TCP_TIMEOUT_INIT); the least that the user may set is tcp_rto_min_us. */
  initialRtoMs: number;
  /** `exponential`: doubles from initialRtoMs (after tcp_syn_linear_timeouts equal ones); else the multiples of initialRtoMs to wait, the last one repeated (FreeBSD tcp_backoff). */
  synBackoff: "exponential" | readonly number[];
  /** Added to each interval of a SYN's and SYN/ACK's repetitions but the first, ms (net.inet.tcp.rexmit_slop). */
  rexmitSlopMs: number;
  /** From its third repetition on, a SYN has no option but the MSS (net.inet.tcp.rexmit_drop_options). */
  rexmitDropOptions: boolean;
  /** A handshake that we began is given up after this time, ms (net.inet.tcp.keepinit); 0: only after its repetitions. */
  keepInitMs: number;
  /** A segment without timestamps on a connection that has them is taken (net.inet.tcp.tolerate_missing_ts; RFC 7323 §3.2 would drop it). */
  tolerateMissingTimestamps: boolean;
  /** Text and FIN in a SYN/ACK (RFC 9293 §3.10.7.3): taken, or dropped as by Linux, and repeated by the peer. */
  synAckText: "drop" | "take";
  /** Least and greatest delay of a delayed acknowledgment, ms (TCP_DELACK_MIN, TCP_DELACK_MAX). Equal: a fixed timer. */
  delackMinMs: number;
  delackMaxMs: number;
  /** Quick acknowledgments at the start (tcp_enter_quickack_mode): how many at most; 0: none. */
  quickacks: number;
  /** TIME-WAIT, ms (TCP_TIMEWAIT_LEN; 2 MSL). */
  timewaitMs: number;
  /** Window scale to offer: from tcp_rmem as Linux does, or this one. */
  windowScale: "rmem" | number;
  /** Least MSS that is believed from a peer (TCP_MIN_MSS; FreeBSD net.inet.tcp.minmss). */
  minMss: number;
  /** MSS where the peer's SYN has no option: TCP_MSS_DEFAULT; FreeBSD mssdflt, v6mssdflt. */
  mssDefault: number;
  mssDefault6: number;
  /** The first window offered: Linux grows from 64 KiB (tcp_init_buffer_space), others offer all of the buffer. */
  initialWindow: "linux" | "buffer";
  /** Options of the SYN/ACK that answers a crossing SYN: `all` that a SYN has (Linux), or those that the peer offered (RFC 7323 §1.3, BSD). */
  crossedSynAckOptions: "all" | "negotiated";
  /** With the handshake, buffers are rounded up to a multiple of the MSS (BSD tcp_mss), or left as they are. */
  bufferRounding: "none" | "mss";
  /** Window updates: Linux rounds and keeps slow start of the receiver; `bsd` sends one when the window moved by two segments or half the buffer. */
  windowUpdates: "linux" | "bsd";
  /** PSH: on the last segment of a write (Linux: also past half the window), or when the send buffer empties (BSD). */
  pushRule: "linux" | "bsd";
  /** RFC 5961 relaxed (net.inet.tcp.insecure_rst, insecure_syn, insecure_ack). */
  insecureRst: boolean;
  insecureSyn: boolean;
  insecureAck: boolean;
  /** A segment with SYN and FIN is dropped (net.inet.tcp.drop_synfin). */
  dropSynFin: boolean;
  /** Nothing answers on closed ports: 0, 1 no RST for SYN, 2 no RST at all, 3 … (net.inet.tcp.blackhole). */
  blackhole: number;
  /** Challenge ACKs per second and connection rules of Linux, or BSD's (ack_war_timewindow, ack_war_cnt). */
  challengeAck: "linux" | "bsd";
  /**
   * RST and SYN on a connection. `linux`: a RST is in the window up to its right edge, may have the number of the peer's FIN, and is EPIPE in CLOSE-WAIT. `bsd`:
   * right edge excluded, always ECONNRESET (in SYN-RECEIVED ECONNREFUSED), no timestamp is asked for; a SYN that insecureSyn believes is answered with RST.
   */
  resetRules: "linux" | "bsd";
  /** TIME-WAIT: `linux` lets a RST end it unless tcp_rfc1337; `bsd` drops RSTs and what has no ACK, and repeats its acknowledgment of all else. */
  timeWaitRules: "linux" | "bsd";
  /** LISTEN: `linux` drops SYN with FIN and resets a SYN/ACK; `bsd` takes the first as a SYN (unless dropSynFin) and drops the second. */
  listenRules: "linux" | "bsd";
  /**
   * Fast Open of a server: `linux` takes data without an option if it needs no cookie, and sends one only to whom has none that is valid; `bsd` wants the
   * option, always answers a cookie (zeros if it needs none) but not on a repeated SYN/ACK, and opens up to half of the backlog so.
   */
  fastOpenRules: "linux" | "bsd";
  /**
   * ICMP errors about a SYN: `linux` believes all of them, and takes backoff back for an unreachable network (RFC 6069); `bsd` gives up only for what says that
   * the other end will not have it or that the hop limit was reached, and remembers the others for when time runs out (`tcp_ctlinput`).
   */
  icmpRules: "linux" | "bsd";
  /** While our FIN is not acknowledged, each acknowledgment repeats it (BSD tcp_output). */
  ackRepeatsFin: boolean;
  /** Answer to a FIN-WAIT-2 that nobody reads, BSD fast_finwait2_recycle and finwait2_timeout ms; 0: tcp_fin_timeout. */
  finwait2TimeoutMs: number;
  /** Segments that are beyond the window but begin at RCV.NXT: BSD trims, Linux drops what exceeds the window altogether (`tcp_data_queue`). */
  trimBeyondWindow: boolean;
}

/** Linux 6.x on a host with enough memory. */
export function linuxSettings(overrides: Partial<TcpSettings> = {}): TcpSettings {
  return {
    tcp_sack: 1,
    tcp_dsack: 1,
    tcp_timestamps: 1,
    tcp_window_scaling: 1,
    tcp_ecn: 2,
    tcp_ecn_fallback: 1,
    tcp_ecn_option: 2,
    tcp_ecn_option_beacon: 3,
    tcp_fastopen: 1,
    tcp_fastopen_blackhole_timeout_sec: 0,
    tcp_syn_retries: 6,
    tcp_synack_retries: 5,
    tcp_syn_linear_timeouts: 4,
    tcp_syncookies: 1,
    tcp_max_syn_backlog: 4096,
    tcp_abort_on_overflow: 0,
    tcp_retries1: 3,
    tcp_retries2: 15,
    tcp_orphan_retries: 0,
    tcp_rto_min_us: 200_000,
    tcp_rto_max_ms: 120_000,
    tcp_frto: 2,
    tcp_recovery: 1,
    tcp_early_retrans: 3,
    tcp_reordering: 3,
    tcp_max_reordering: 300,
    tcp_thin_linear_timeouts: 0,
    tcp_retrans_collapse: 1,
    tcp_slow_start_after_idle: 1,
    tcp_congestion_control: "cubic",
    tcp_no_metrics_save: 0,
    tcp_no_ssthresh_metrics_save: 1,
    tcp_moderate_rcvbuf: 1,
    tcp_adv_win_scale: 1,
    tcp_app_win: 31,
    tcp_rmem: [4096, 131_072, 6_291_456],
    tcp_wmem: [4096, 16_384, 4_194_304],
    tcp_shrink_window: 0,
    tcp_workaround_signed_windows: 0,
    tcp_notsent_lowat: 0xffff_ffff,
    tcp_autocorking: 1,
    tcp_min_tso_segs: 2,
    tcp_tso_win_divisor: 3,
    tcp_tso_rtt_log: 9,
    tcp_pacing_ss_ratio: 200,
    tcp_pacing_ca_ratio: 120,
    tcp_limit_output_bytes: 1_048_576,
    tcp_keepalive_time: 7200,
    tcp_keepalive_intvl: 75,
    tcp_keepalive_probes: 9,
    tcp_fin_timeout: 60,
    tcp_tw_reuse: 2,
    tcp_max_tw_buckets: 262_144,
    tcp_max_orphans: 262_144,
    tcp_rfc1337: 0,
    tcp_stdurg: 0,
    tcp_challenge_ack_limit: 0x7fff_ffff,
    tcp_invalid_ratelimit: 500,
    tcp_mtu_probing: 0,
    tcp_base_mss: 1024,
    tcp_min_snd_mss: 48,
    tcp_mtu_probe_floor: 48,
    tcp_probe_threshold: 8,
    tcp_probe_interval: 600,
    ip_no_pmtu_disc: 0,
    tcp_comp_sack_delay_ns: 1_000_000,
    tcp_comp_sack_nr: 44,
    tcp_comp_sack_slack_ns: 100_000,
    tcp_reflect_tos: 0,
    tcp_l3mdev_accept: 0,
    tcp_backlog_ack_defer: 1,
    tcp_plb_enabled: 0,
    tcp_plb_idle_rehash_rounds: 3,
    tcp_plb_rehash_rounds: 12,
    tcp_plb_suspend_rto_sec: 60,
    tcp_plb_cong_thresh: 128,
    somaxconn: 4096,
    rmem_max: 4_194_304,
    wmem_max: 4_194_304,

    optionLayout: "linux",
    initialCwnd: 10,
    initialRtoMs: 1000,
    synBackoff: "exponential",
    rexmitSlopMs: 0,
    rexmitDropOptions: false,
    keepInitMs: 0,
    tolerateMissingTimestamps: true,
    synAckText: "drop",
    delackMinMs: 40,
    delackMaxMs: 200,
    quickacks: 16,
    timewaitMs: 60_000,
    windowScale: "rmem",
    minMss: 48,
    mssDefault: 536,
    mssDefault6: 536,
    initialWindow: "linux",
    crossedSynAckOptions: "all",
    bufferRounding: "none",
    windowUpdates: "linux",
    pushRule: "linux",
    insecureRst: false,
    insecureSyn: false,
    insecureAck: false,
    dropSynFin: false,
    blackhole: 0,
    challengeAck: "linux",
    resetRules: "linux",
    timeWaitRules: "linux",
    listenRules: "linux",
    fastOpenRules: "linux",
    icmpRules: "linux",
    ackRepeatsFin: false,
    finwait2TimeoutMs: 0,
    trimBeyondWindow: false,
    ...overrides,
  };
}

/** FreeBSD 15 with its default stack, by the same knobs. */
export function freebsdSettings(overrides: Partial<TcpSettings> = {}): TcpSettings {
  return linuxSettings({
    tcp_ecn: 2,
    tcp_fastopen: 1,
    tcp_early_retrans: 0,
    tcp_recovery: 0,
    tcp_rmem: [4096, 65_536, 2_097_152],
    tcp_wmem: [4096, 32_768, 2_097_152],
    tcp_comp_sack_nr: 0,
    tcp_comp_sack_delay_ns: 0,
    tcp_rto_min_us: 230_000,
    tcp_rto_max_ms: 64_000,
    tcp_synack_retries: 3,
    tcp_syn_retries: 12,
    tcp_syn_linear_timeouts: 0,
    optionLayout: "freebsd",
    synBackoff: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    rexmitSlopMs: 200,
    keepInitMs: 75_000,
    tolerateMissingTimestamps: false,
    synAckText: "take",
    delackMinMs: 40,
    delackMaxMs: 40,
    quickacks: 0,
    windowScale: 6,
    minMss: 216,
    mssDefault: 536,
    mssDefault6: 1220,
    initialWindow: "buffer",
    crossedSynAckOptions: "negotiated",
    bufferRounding: "mss",
    windowUpdates: "bsd",
    pushRule: "bsd",
    challengeAck: "bsd",
    resetRules: "bsd",
    timeWaitRules: "bsd",
    listenRules: "bsd",
    fastOpenRules: "bsd",
    icmpRules: "bsd",
    ackRepeatsFin: true,
    finwait2TimeoutMs: 60_000,
    trimBeyondWindow: true,
    ...overrides,
  });
}
