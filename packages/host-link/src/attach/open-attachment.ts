import { invalidArgument } from "@seville/core";
import type { HostPort } from "../port/host-port.ts";
import { configureDevice, type DeviceConfig } from "../kernel/configure.ts";
import { openNamespace } from "../kernel/namespace.ts";
import { openStreamPort } from "../stream/stream-port.ts";
import { openTap } from "../tap/tap-port.ts";
import { openUdpPort } from "../udp/udp-port.ts";
import { parseSocketAddress } from "./socket-address.ts";

/** A TAP device, its namespace, and what the kernel gets on it. */
export interface TapAttachment extends DeviceConfig {
  readonly name: string;
  /** Made if it is not there; then it is removed at the end. */
  readonly netns?: string;
  readonly mac?: string;
  readonly mtu?: number;
}

/** Sockets as `ADDRESS:PORT` or `[ADDRESS]:PORT`. */
export interface UdpAttachment {
  readonly bind: string;
  readonly to?: string;
  readonly l2tpv3?: { readonly session?: number; readonly peerSession?: number };
}

/** Sockets as `ADDRESS:PORT` or `[ADDRESS]:PORT`. One of the two. */
export interface StreamAttachment {
  readonly listen?: string;
  readonly connect?: string;
}

/** An attachment to the outside, as scenario files write it: exactly one of the three. */
export interface AttachmentSpec {
  readonly tap?: TapAttachment;
  readonly udp?: UdpAttachment;
  readonly stream?: StreamAttachment;
}

/**
 * Opens what an attachment of a scenario names, all of it: namespace, device, addresses and routes. Closing the port undoes
 * all of it.
 *
 * @throws SevilleError as {@link openTap}, {@link openUdpPort} and {@link openStreamPort}; nothing is left behind then
 */
export async function openAttachment(spec: AttachmentSpec): Promise<HostPort> {
  if (spec.tap !== undefined) return openTapAttachment(spec.tap);
  if (spec.udp !== undefined) return openUdpAttachment(spec.udp);
  if (spec.stream !== undefined) return openStreamAttachment(spec.stream);
  throw invalidArgument("attachment", "tap, udp or stream", spec);
}

async function openTapAttachment(spec: TapAttachment): Promise<HostPort> {
  const { name, netns, mac, mtu } = spec;
  const namespace = netns === undefined ? undefined : await openNamespace(netns);
  let port: HostPort | undefined;
  try {
    port = await openTap({
      device: name,
      ...(netns === undefined ? {} : { netns }),
      ...(mac === undefined ? {} : { mac }),
      ...(mtu === undefined ? {} : { mtu }),
    });
    await configureDevice(netns, name, spec);
  } catch (error) {
    await port?.close();
    await namespace?.remove();
    throw error;
  }
  return namespace === undefined ? port : closingAfterwards(port, () => namespace.remove());
}

/** `port`, whose `close` goes on to do `more`. */
function closingAfterwards(port: HostPort, more: () => Promise<void>): HostPort {
  let closing: Promise<void> | undefined;
  return {
    name: port.name,
    listen: (listener) => port.listen(listener),
    sendFrame: (memory, offset, length) => port.sendFrame(memory, offset, length),
    stats: () => port.stats(),
    close: () => (closing ??= port.close().then(more)),
  };
}

function openUdpAttachment(spec: UdpAttachment): Promise<HostPort> {
  const bind = parseSocketAddress(spec.bind, "bind");
  const to = spec.to === undefined ? undefined : parseSocketAddress(spec.to, "to");
  return openUdpPort({
    port: bind.port,
    address: bind.address,
    ...(to === undefined ? {} : { peerAddress: to.address, peerPort: to.port }),
    ...(spec.l2tpv3 === undefined ? { encapsulation: "bare" } : { encapsulation: "l2tpv3", ...spec.l2tpv3 }),
  });
}

function openStreamAttachment(spec: StreamAttachment): Promise<HostPort> {
  const role = spec.listen === undefined ? "client" : "server";
  const text = spec.listen ?? spec.connect;
  if (text === undefined || (spec.listen !== undefined && spec.connect !== undefined)) {
    throw invalidArgument("stream", "given either listen or connect", spec);
  }
  const { address, port } = parseSocketAddress(text, role === "server" ? "listen" : "connect");
  return openStreamPort({ role, address: { host: address, port } });
}
