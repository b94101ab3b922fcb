import type { Host } from "../host/host.ts";
import { TcpHost, type TcpHostOptions } from "./tcp-host.ts";
import { TcpSocket, type TcpSocketInit } from "./tcp-socket.ts";

/** Gives `host` TCP for both families. Twice is once: the first one's options stay. */
export function installTcp(host: Host, options: TcpHostOptions = {}): TcpHost {
  if (host.tcp instanceof TcpHost) return host.tcp;
  const tcp = new TcpHost(host, options);
  host.tcp = tcp;
  return tcp;
}

/** `socket(AF_INET…, SOCK_STREAM, 0)`; the host gets TCP if it has none yet. */
export function openTcp(host: Host, init: TcpSocketInit = {}): TcpSocket {
  return new TcpSocket(installTcp(host), init);
}
