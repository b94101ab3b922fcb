import type { IpAddress } from "@seville/packet";
import { tcp as wire } from "@seville/packet";
import type { TcpContext } from "./context.ts";
import { outputBare } from "./output.ts";
import type { Segment } from "./parts.ts";
import { newTxhash } from "./plb.ts";
import { clearOutgoing } from "./segment-options.ts";

/**
 * Answers a segment that belongs to no connection with RST (RFC 9293 §3.10.7.1, `tcp_v4_send_reset`): with the sequence number that
 * its sender expects, or acknowledging all of it. A RST is never answered.
 *
 * @param ifindex the device to which what refuses it is bound; 0: none
 */
export function sendReset(tcp: TcpContext, local: IpAddress, remote: IpAddress, s: Segment, ifindex = 0): void {
  if ((s.flags & wire.RST) !== 0) return;
  const out = tcp.outgoing;
  clearOutgoing(out);
  out.sourcePort = s.destinationPort;
  out.destinationPort = s.sourcePort;
  out.window = 0;
  if ((s.flags & wire.ACK) !== 0) {
    out.seq = s.ack;
    out.ack = 0;
    out.flags = wire.RST;
  } else {
    out.seq = 0;
    out.ack = s.endSeq;
    out.flags = wire.RST | wire.ACK;
  }
  const path = {
    localAddress: local,
    remoteAddress: remote,
    connection: undefined,
    ifindex,
    tos: 0,
    ecn: 0,
    hopLimit: 0,
    txhash: newTxhash(tcp),
    dontFragment: true,
  };
  if (!outputBare(tcp, path, tcp.settings.optionLayout, tcp.now)) return;
  tcp.mib.OutSegs++;
  tcp.mib.OutRsts++;
}
