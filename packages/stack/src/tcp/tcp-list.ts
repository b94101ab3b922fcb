import { formatIp, isUnspecified, type IpAddress } from "@seville/packet";
import { Embryo, TimeWait, type TcpConnection } from "@seville/tcp";
import type { Host } from "../host/host.ts";
import { installTcp } from "./install.ts";

/** A line of `ss -tan`. */
export interface TcpListing {
  readonly state: TcpConnection["state"];
  /** Bytes to read; of a listener: connections that wait. */
  readonly recvQ: number;
  /** Bytes not acknowledged; of a listener: how many may wait. */
  readonly sendQ: number;
  readonly localAddress: IpAddress | undefined;
  readonly localPort: number;
  readonly remoteAddress: IpAddress | undefined;
  readonly remotePort: number;
}

/** All of TCP on `host`: listeners, then connections with those that no socket holds any more, by local and remote port. */
export function listTcp(host: Host): TcpListing[] {
  const { endpoint } = installTcp(host);
  const rows: TcpListing[] = [];
  for (const listener of endpoint.listeners()) {
    rows.push({
      state: "LISTEN",
      recvQ: listener.acceptQueue.length,
      sendQ: listener.backlog,
      localAddress: listener.address,
      localPort: listener.port,
      remoteAddress: undefined,
      remotePort: 0,
    });
  }
  const connections = [...endpoint.entries()].map(listingOf);
  connections.sort((a, b) => a.localPort - b.localPort || a.remotePort - b.remotePort);
  return [...rows, ...connections];
}

function listingOf(entry: TcpConnection | Embryo | TimeWait): TcpListing {
  const { localAddress, localPort, remoteAddress, remotePort } = entry;
  const ends = { localAddress, localPort, remoteAddress, remotePort };
  if (entry instanceof Embryo) return { state: "SYN_RECV", recvQ: 0, sendQ: 0, ...ends };
  if (entry instanceof TimeWait) return { state: entry.substate, recvQ: 0, sendQ: 0, ...ends };
  const unacknowledged = (entry.writeSeq - entry.sndUna) >>> 0;
  return { state: entry.state, recvQ: entry.receiveQueue?.readable ?? 0, sendQ: unacknowledged, ...ends };
}

/** The names of `ss`. */
const NAMES: Readonly<Record<TcpConnection["state"], string>> = {
  ESTABLISHED: "ESTAB",
  SYN_SENT: "SYN-SENT",
  SYN_RECV: "SYN-RECV",
  FIN_WAIT1: "FIN-WAIT-1",
  FIN_WAIT2: "FIN-WAIT-2",
  TIME_WAIT: "TIME-WAIT",
  CLOSE: "UNCONN",
  CLOSE_WAIT: "CLOSE-WAIT",
  LAST_ACK: "LAST-ACK",
  LISTEN: "LISTEN",
  CLOSING: "CLOSING",
};

/** {@link listTcp} as `ss -tan` prints it. */
export function formatSs(host: Host): string {
  const head = ["State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port"];
  const rows = listTcp(host).map((row) => [
    NAMES[row.state],
    String(row.recvQ),
    String(row.sendQ),
    end(row.localAddress, row.localPort),
    end(row.remoteAddress, row.remotePort),
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] as string).length)));
  return [head, ...rows]
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] as number))
          .join(" ")
          .trimEnd()}\n`,
    )
    .join("");
}

function end(address: IpAddress | undefined, port: number): string {
  const text = port === 0 ? "*" : String(port);
  if (address === undefined) return `*:${text}`;
  if (typeof address !== "number") return `[${formatIp(address)}]:${text}`;
  return `${isUnspecified(address) ? "0.0.0.0" : formatIp(address)}:${text}`;
}
