import { Host, type HostOptions } from "./host.ts";

/** Makes a host with all its protocols. */
export function createHost(options: HostOptions): Host {
  const host = new Host(options);
  return host;
}
