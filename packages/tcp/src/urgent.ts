import { tcp as wire } from "@seville/packet";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { tellReadable, tellUrgent } from "./events.ts";
import type { Segment } from "./parts.ts";
import { after, before } from "./seq.ts";

/*
 * Urgent data that comes (RFC 9293 §3.8.5, RFC 6093; tcp_check_urg, tcp_urg). As all systems do, the pointer is taken to point behind the urgent
 * byte, unless tcp_stdurg says otherwise.
 */

/** The byte has not come yet; it was read. */
export const URGENT_NOT_YET = -1;
export const URGENT_READ = -2;

export function receiveUrgent(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  if ((s.flags & wire.URG) !== 0) checkPointer(tcp, c, s);
  const { urgent } = c;
  if (urgent === undefined || urgent.byte !== URGENT_NOT_YET) return;
  const at = (urgent.seq - s.seq - ((s.flags & wire.SYN) === 0 ? 0 : 1)) >>> 0;
  if (at >= s.payloadLength) return;
  urgent.byte = tcp.memory.u8[s.payload + at] as number;
  tellReadable(tcp, c);
}

function checkPointer(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  let pointer = s.urgentPointer;
  if (pointer !== 0 && tcp.settings.tcp_stdurg === 0) pointer--;
  const seq = (s.seq + pointer) | 0;
  // Read already, or received already.
  if (after(c.copiedSeq, seq) || before(seq, c.rcvNxt)) return;
  if (c.urgent !== undefined && !after(seq, c.urgent.seq)) return;
  tellUrgent(tcp, c);
  c.urgent = { seq, byte: URGENT_NOT_YET };
}
