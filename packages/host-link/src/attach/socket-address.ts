import { invalidArgument } from "@seville/core";

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** `127.0.0.1:9000`, `[::1]:9000`. */
export function parseSocketAddress(text: string, argument: string): SocketAddress {
  const match = /^(?:\[([^\]]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw invalidArgument(argument, "address:port, such as 127.0.0.1:9000 or [::1]:9000", text);
  }
  return { address: (match[1] ?? match[2]) as string, port };
}
