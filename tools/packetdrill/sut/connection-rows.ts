import type { Host } from "../../../packages/stack/src/index.ts";
import { listTcp, type TcpHost } from "../../../packages/stack/src/tcp/index.ts";
import { Embryo, type TcpConnection, type TimeWait } from "../../../packages/tcp/src/index.ts";
import type { ConnectionRow } from "./system.ts";
import { BSD_STATES } from "./tcp-info.ts";

/** The table of connections, listeners included, in the words of the BSDs. */
export function connectionRows(host: Host): readonly ConnectionRow[] {
  return listTcp(host).map(({ state, localAddress, localPort, remotePort }) => ({
    state: BSD_STATES[state] ?? state,
    family: localAddress === undefined || typeof localAddress === "number" ? 4 : 6,
    localPort,
    remotePort,
  }));
}

/** Aborts the connections in a state of the BSDs; `""`: all. Answers how many. */
export function dropConnections(tcp: TcpHost, state: string): number {
  const entries = [...tcp.endpoint.entries()].filter((entry) => state === "" || BSD_STATES[stateOf(entry)] === state);
  for (const entry of entries) tcp.act((endpoint, now) => endpoint.kill(entry, now));
  return entries.length;
}

function stateOf(entry: TcpConnection | Embryo | TimeWait): string {
  return entry instanceof Embryo ? "SYN_RECV" : entry.state;
}
