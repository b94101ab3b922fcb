import type { TcpConnection } from "./connection.ts";
import { rtxQueueEmpty, writeQueueEmpty } from "./write-queue.ts";

/** What the sender is doing (`enum tcp_chrono`): the greater is the more interesting. */
export const CHRONO_NONE = 0;
export const CHRONO_BUSY = 1;
export const CHRONO_RWND_LIMITED = 2;
export const CHRONO_SNDBUF_LIMITED = 3;

function set(c: TcpConnection, type: number): void {
  const passed = c.now - c.chronoStart;
  if (c.chronoType === CHRONO_BUSY) c.chronoBusy += passed;
  else if (c.chronoType === CHRONO_RWND_LIMITED) c.chronoRwnd += passed;
  else if (c.chronoType === CHRONO_SNDBUF_LIMITED) c.chronoSndbuf += passed;
  c.chronoStart = c.now;
  c.chronoType = type;
}

/** `tcp_chrono_start`. */
export function chronoStart(c: TcpConnection, type: number): void {
  if (type > c.chronoType) set(c, type);
}

/** `tcp_chrono_stop`. */
export function chronoStop(c: TcpConnection, type: number): void {
  if (rtxQueueEmpty(c) && writeQueueEmpty(c)) set(c, CHRONO_NONE);
  else if (type === c.chronoType) set(c, CHRONO_BUSY);
}
