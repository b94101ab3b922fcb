import { PINGPONG_THRESH } from "./constants.ts";
import { RCV_SHUTDOWN, type TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { scheduleAck } from "./delayed-ack.ts";
import { setState } from "./done.ts";
import { tellReadable } from "./events.ts";
import { dropOutOfOrder } from "./receive-data.ts";
import { enterTimeWait } from "./time-wait.ts";
import { sendAck } from "./transmit.ts";

/** The peer's FIN is next in order (RFC 9293 §3.10.7.4 eighth, `tcp_fin`). */
export function receiveFin(tcp: TcpContext, c: TcpConnection): void {
  scheduleAck(c);
  c.shutdown |= RCV_SHUTDOWN;
  c.finReceived = true;
  dropOutOfOrder(c);
  tellReadable(tcp, c);
  switch (c.state) {
    case "SYN_RECV":
    case "ESTABLISHED":
      setState(tcp, c, "CLOSE_WAIT");
      c.pingpong = Math.max(c.pingpong, PINGPONG_THRESH);
      return;
    case "FIN_WAIT1":
      // Simultaneous close.
      sendAck(tcp, c);
      setState(tcp, c, "CLOSING");
      return;
    case "FIN_WAIT2":
      sendAck(tcp, c);
      enterTimeWait(tcp, c, "TIME_WAIT", 0);
      return;
    default:
  }
}
