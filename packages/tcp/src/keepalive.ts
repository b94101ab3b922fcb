import { type Nanos, NEVER, NS_PER_SEC } from "@seville/core";
import type { TcpConnection } from "./connection.ts";
import { RESOURCE_PROBE_INTERVAL } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { done } from "./done.ts";
import { writeWakeup } from "./probe-timer.ts";
import { writeError } from "./retransmit-timer.ts";
import { finTime } from "./shutdown.ts";
import { enterTimeWait } from "./time-wait.ts";
import { sendActiveReset } from "./transmit.ts";
import { writeQueueEmpty } from "./write-queue.ts";

/*
 * The slow timer: keepalive (RFC 9293 §3.8.4) and the end of an orphan's FIN-WAIT-2 (tcp_keepalive_timer).
 */

/** The timer rings in `when`. */
export function resetKeepTimer(tcp: TcpContext, c: TcpConnection, when: Nanos): void {
  c.keepTimeout = c.now + Math.max(when, 1);
  tcp.deadlines.atLatest(c, c.keepTimeout);
}

/** Idle time before the first probe. */
export function keepaliveTime(tcp: TcpContext, c: TcpConnection): Nanos {
  return c.options.keepIdle === 0 ? tcp.settings.tcp_keepalive_time * NS_PER_SEC : c.options.keepIdle;
}

function keepaliveInterval(tcp: TcpContext, c: TcpConnection): Nanos {
  return c.options.keepIntvl === 0 ? tcp.settings.tcp_keepalive_intvl * NS_PER_SEC : c.options.keepIntvl;
}

function keepaliveProbes(tcp: TcpContext, c: TcpConnection): number {
  return c.options.keepCnt === 0 ? tcp.settings.tcp_keepalive_probes : c.options.keepCnt;
}

/** SO_KEEPALIVE was set or cleared (`tcp_set_keepalive`). */
export function setKeepalive(tcp: TcpContext, c: TcpConnection, on: boolean): void {
  if (c.state === "CLOSE") return;
  if (on) resetKeepTimer(tcp, c, keepaliveTime(tcp, c));
  else c.keepTimeout = NEVER;
}

export function keepTimer(tcp: TcpContext, c: TcpConnection): void {
  c.keepTimeout = NEVER;
  if (c.state === "FIN_WAIT2" && c.orphan) {
    if (c.options.linger2 >= 0) {
      const left = finTime(tcp, c) - tcp.settings.timewaitMs * 1_000_000;
      if (left > 0) {
        enterTimeWait(tcp, c, "FIN_WAIT2", left);
        return;
      }
    }
    sendActiveReset(tcp, c);
    done(tcp, c);
    return;
  }
  if (
    (c.state === "SYN_SENT" || c.state === "SYN_RECV") &&
    (tcp.settings.keepInitMs !== 0 || c.options.keepInit !== 0)
  ) {
    writeError(tcp, c);
    return;
  }
  if (!c.options.keepalive || c.state === "CLOSE" || c.state === "SYN_SENT") return;
  resetKeepTimer(tcp, c, next(tcp, c));
}

/** Probes if it is time, and answers when to come back; 0 where the connection is gone. */
function next(tcp: TcpContext, c: TcpConnection): Nanos {
  const idle = keepaliveTime(tcp, c);
  if (c.packetsOut > 0 || !writeQueueEmpty(c)) return idle;
  const elapsed = Math.min(c.now - c.lrcvtime, c.now - c.rcvTstamp);
  if (elapsed < idle) return idle - elapsed;
  const user = c.options.userTimeout;
  const over = user === 0 ? c.probesOut >= keepaliveProbes(tcp, c) : elapsed >= user && c.probesOut > 0;
  if (over) {
    sendActiveReset(tcp, c);
    writeError(tcp, c);
    return NEVER;
  }
  if (!writeWakeup(tcp, c, "TCPKeepAlive")) return RESOURCE_PROBE_INTERVAL;
  c.probesOut++;
  return keepaliveInterval(tcp, c);
}
