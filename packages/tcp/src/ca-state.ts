import type { CaState } from "@seville/congestion";
import type { TcpConnection } from "./connection.ts";

/** `tcp_set_ca_state`. */
export function setCaState(c: TcpConnection, state: CaState): void {
  c.congestion?.setState?.(state);
  c.caState = state;
}
