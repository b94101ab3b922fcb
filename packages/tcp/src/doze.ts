import { INFINITE_SSTHRESH } from "@seville/congestion";
import { type Nanos, NEVER, NS_PER_SEC } from "@seville/core";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { ORDINARY } from "./rare-fields.ts";
import { nextDeadline } from "./timers.ts";

/*
 * Connections that do nothing for a second give back what can be made anew: a server may have a hundred thousand of them.
 */

const PATIENCE: Nanos = NS_PER_SEC;

/** Who may fall asleep, in the order of time. */
export interface Drowsy {
  readonly connection: TcpConnection;
  readonly at: Nanos;
}

/** Nothing is out, nothing waits, no timer runs but keepalive's. */
function isIdle(c: TcpConnection): boolean {
  return (
    c.state === "ESTABLISHED" &&
    c.writeQueue === undefined &&
    c.receiveQueue === undefined &&
    Math.min(nextDeadline(c), c.keepTimeout) === c.keepTimeout
  );
}

/** After each piece of work: notes a connection that has become idle. */
export function noteIdle(tcp: TcpContext, c: TcpConnection): void {
  if (c.drowsy || c.dozing || !isIdle(c)) return;
  c.drowsy = true;
  tcp.drowsy.push({ connection: c, at: tcp.now + PATIENCE });
}

/** When the next one falls asleep. */
export function nextDoze(tcp: TcpContext): Nanos {
  return tcp.drowsy[tcp.drowsyHead]?.at ?? NEVER;
}

/** Those whose second is over. */
export function dozeOff(tcp: TcpContext): void {
  for (;;) {
    const next = tcp.drowsy[tcp.drowsyHead];
    if (next === undefined || next.at > tcp.now) break;
    tcp.drowsyHead++;
    const c = next.connection;
    c.drowsy = false;
    if (!isIdle(c)) continue;
    if (tcp.now - c.now >= PATIENCE) sleep(c);
    else noteIdle(tcp, c);
  }
  if (tcp.drowsyHead === tcp.drowsy.length || tcp.drowsyHead > 1024) {
    tcp.drowsy.splice(0, tcp.drowsyHead);
    tcp.drowsyHead = 0;
  }
}

/** A congestion control that has seen no congestion, and has no model of the path, knows nothing that it would miss. */
function sleep(c: TcpConnection): void {
  c.dozing = true;
  const { congestion } = c;
  const untouched = c.sndSsthresh === INFINITE_SSTHRESH && c.lost === 0 && c.caState === "open";
  if (congestion !== undefined && untouched && congestion.congControl === undefined && !congestion.needsEcn) {
    congestion.release?.();
    c.congestion = undefined;
  }
  c.autotune = undefined;
  if (c.rare !== ORDINARY && c.totalRetrans === 0 && isOrdinary(c)) c.rare = ORDINARY;
}

/** Only what was of the moment differs: it is over. */
function isOrdinary(c: TcpConnection): boolean {
  const rare = c.rare as unknown as Record<string, unknown>;
  const ordinary = ORDINARY as unknown as Record<string, unknown>;
  return Object.keys(ORDINARY).every((key) => rare[key] === ordinary[key]);
}
