import type { Ipv6Address } from "@seville/packet";
import type { IcmpError } from "../host/protocols.ts";
import type { Host } from "../host/host.ts";
import { outputDevice4 } from "../ipv4/output.ts";
import { updatePathMtu4 } from "../ipv4/path-mtu.ts";
import { routeOutput4 } from "../ipv4/route-output.ts";
import { updatePathMtu6 } from "../ipv6/path-mtu.ts";
import { outputDevice6, routeOutput6 } from "../ipv6/route-output.ts";
import { createFlow4, createFlow6, resetFlow } from "../route/flow.ts";

const flow4 = createFlow4();
const flow6 = createFlow6();

/** A packet of this host was too long for the path: remembers the MTU (`ipv4_update_pmtu`, `ip6_update_pmtu`). */
export function learnPathMtu(host: Host, error: IcmpError, boundDevice = 0): void {
  if (error.family === 4) learn4(host, error, boundDevice);
  else learn6(host, error, boundDevice);
}

function learn4(host: Host, error: IcmpError, boundDevice: number): void {
  resetFlow(flow4);
  flow4.destination = error.destination as number;
  flow4.source = error.source as number;
  flow4.protocol = error.protocol;
  flow4.oif = boundDevice;
  const hop = routeOutput4(host, flow4);
  if (typeof hop !== "string") updatePathMtu4(host, hop, outputDevice4(host, hop), flow4.destination, error.info);
}

function learn6(host: Host, error: IcmpError, boundDevice: number): void {
  resetFlow(flow6);
  flow6.destination = error.destination as Ipv6Address;
  flow6.source = error.source as Ipv6Address;
  flow6.protocol = error.protocol;
  flow6.oif = boundDevice === 0 && flow6.destination.w0 >>> 22 === 0x3fa ? error.dev.ifindex : boundDevice;
  const hop = routeOutput6(host, flow6);
  if (typeof hop !== "string") updatePathMtu6(host, hop, outputDevice6(host, hop), flow6.destination, error.info);
}
