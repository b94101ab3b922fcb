import { runIp } from "./run-ip.ts";

/** What the kernel gets on a device. */
export interface DeviceConfig {
  /** With prefix lengths: `10.0.1.2/24`, `fd00:1::2/64`. IPv6 addresses skip duplicate address detection, to be of use at once. */
  readonly addresses?: readonly string[];
  readonly routes?: readonly { readonly to: string; readonly via: string }[];
}

/**
 * Gives `device` (in the namespace `netns`, or the process's own) addresses and routes by way of `ip`.
 * @throws SevilleError `ERR_IP_COMMAND` with what `ip` says
 */
export async function configureDevice(netns: string | undefined, device: string, config: DeviceConfig): Promise<void> {
  const lines: string[] = [];
  for (const address of config.addresses ?? []) {
    const isIpv6 = address.includes(":");
    lines.push(`${isIpv6 ? "-6 " : ""}address add ${address} dev ${device}${isIpv6 ? " nodad" : ""}`);
  }
  for (const { to, via } of config.routes ?? []) {
    lines.push(`${via.includes(":") ? "-6 " : ""}route add ${to} via ${via} dev ${device}`);
  }
  // One command a line rather than a batch, so that an error can be told with the line that caused it.
  for (const line of lines) await runIp([...(netns === undefined ? [] : ["-n", netns]), ...line.split(" ")]);
}
