import { CaseFailure } from "../../../lib/suite.ts";
import type { TcpInfoField } from "../../../../../packages/tcp/src/index.ts";

/** Fields of `struct tcp_info` behind its first eight bytes, in order, with their sizes (include/uapi/linux/tcp.h). */
const LAYOUT = `
  4 rto ato snd_mss rcv_mss unacked sacked lost retrans fackets last_data_sent last_ack_sent last_data_recv last_ack_recv
  4 pmtu rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss reordering rcv_rtt rcv_space total_retrans
  8 pacing_rate max_pacing_rate bytes_acked bytes_received
  4 segs_out segs_in notsent_bytes min_rtt data_segs_in data_segs_out
  8 delivery_rate busy_time rwnd_limited sndbuf_limited
  4 delivered delivered_ce
  8 bytes_sent bytes_retrans
  4 dsack_dups reord_seen rcv_ooopack snd_wnd rcv_wnd rehash`;

const HEAD: readonly TcpInfoField[] = ["state", "ca_state", "retransmits", "probes", "backoff", "options"];

/** The kernel's TCP_INFO, by the names that ours has. Fields that an older kernel does not know are missing. */
export type KernelInfo = Readonly<Partial<Record<TcpInfoField, number>>>;

export function readKernelInfo(hex: string): KernelInfo {
  const bytes = Buffer.from(hex, "hex");
  if (bytes.length < 104) throw new CaseFailure(`TCP_INFO has ${bytes.length} bytes`);
  const info: Partial<Record<TcpInfoField, number>> = {};
  HEAD.forEach((name, at) => (info[name] = bytes[at] ?? 0));
  const scales = bytes[6] ?? 0;
  info.snd_wscale = scales & 15;
  info.rcv_wscale = scales >> 4;
  let at = 8;
  for (const line of LAYOUT.trim().split("\n")) {
    const [size, ...names] = line.trim().split(" ");
    for (const name of names as TcpInfoField[]) {
      if (at + Number(size) > bytes.length) return info;
      info[name] = size === "8" ? Number(bytes.readBigUInt64LE(at)) : bytes.readUInt32LE(at);
      at += Number(size);
    }
  }
  return info;
}
