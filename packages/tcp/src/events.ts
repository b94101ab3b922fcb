import { RCV_SHUTDOWN, SEND_SHUTDOWN, type TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";

/** Bits of `connection.told`: an event of that kind waits in the queue. */
const TOLD_READABLE = 1;
const TOLD_WRITABLE = 2;

/** Data or the end of data can be read (`sk_data_ready`). One event waits at a time. */
export function tellReadable(tcp: TcpContext, c: TcpConnection): void {
  if (c.orphan || c.parent !== undefined || (c.told & TOLD_READABLE) !== 0) return;
  c.told |= TOLD_READABLE;
  tcp.emit({ type: "readable", connection: c });
}

/** There is room to write (`sk_write_space`). */
export function tellWritable(tcp: TcpContext, c: TcpConnection): void {
  if (c.orphan || (c.told & TOLD_WRITABLE) !== 0) return;
  c.told |= TOLD_WRITABLE;
  tcp.emit({ type: "writable", connection: c });
}

export function tellUrgent(tcp: TcpContext, c: TcpConnection): void {
  if (!c.orphan) tcp.emit({ type: "urgent", connection: c });
}

export function tellConnected(tcp: TcpContext, c: TcpConnection): void {
  if (!c.orphan && c.parent === undefined) tcp.emit({ type: "connected", connection: c });
}

/** The failure is remembered for SO_ERROR and told (`sk_error_report`). */
export function tellError(tcp: TcpContext, c: TcpConnection, errno: string): void {
  c.error = errno;
  if (!c.orphan) tcp.emit({ type: "error", connection: c, errno });
}

export function tellClosed(tcp: TcpContext, c: TcpConnection): void {
  tcp.emit({ type: "closed", connection: c });
}

/** The event has been taken out of the queue: the next of its kind may enter. */
export function eventTaken(c: TcpConnection, type: string): void {
  if (type === "readable") c.told &= ~TOLD_READABLE;
  else if (type === "writable") c.told &= ~TOLD_WRITABLE;
}

/** Nothing more comes in, and nothing may be written (both sides shut). */
export function isShut(c: TcpConnection): boolean {
  return (c.shutdown & (RCV_SHUTDOWN | SEND_SHUTDOWN)) === (RCV_SHUTDOWN | SEND_SHUTDOWN);
}
