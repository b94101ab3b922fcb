import { invalidArgument, unsupported } from "@seville/core";
import { FrameRing } from "../port/frame-ring.ts";
import { ETH_HLEN, MAX_FRAME_BYTES, VLAN_HLEN } from "../port/host-port.ts";
import type { TapWorkerData, VnetWish } from "./messages.ts";
import { checkInterfaceName, parseMac, SUPPORTED_ARCHITECTURES } from "./tun-abi.ts";

export interface TapOptions {
  /** Name of the device, 1 to 15 bytes. */
  readonly device: string;
  /** Network namespace to make it in: its name under /run/netns, or a path. Default: the process's own. */
  readonly netns?: string;
  /** Ethernet address of the kernel's side. Default: the kernel draws one. */
  readonly mac?: string;
  /** MTU of the kernel's side, bytes. Default: what the device has, 1500 for a new one. */
  readonly mtu?: number;
  /** Brings the device up. Default true. */
  readonly up?: boolean;
  /** Fails with ENODEV instead of making a device that is not there. Default false. */
  readonly mustExist?: boolean;
  /** Longest frame, bytes. Default {@link MAX_FRAME_BYTES}. */
  readonly maxFrameBytes?: number;
  /** Room for frames between the thread that reads the device and the one that simulates, bytes: a power of two. Default 4 MiB, for each queue. */
  readonly ringBytes?: number;
}

/**
 * What a worker is told for `options`: `queues` rings, and the offloads of `vnet` or none.
 * @throws SevilleError `ERR_INVALID_ARGUMENT`, `ERR_UNSUPPORTED`
 */
export function workerData(options: TapOptions, queues = 1, vnet?: VnetWish): TapWorkerData {
  if (process.platform !== "linux") throw unsupported("a TAP device", `it needs Linux, this is ${process.platform}`);
  if (!SUPPORTED_ARCHITECTURES.includes(process.arch)) throw unsupported(`a TAP device on ${process.arch}`);
  checkInterfaceName(options.device, "device");
  const { mtu, netns, maxFrameBytes = MAX_FRAME_BYTES } = options;
  if (mtu !== undefined && (!Number.isInteger(mtu) || mtu < 68 || mtu > 65_521)) {
    throw invalidArgument("mtu", "68 to 65521 bytes", mtu);
  }
  const least = (mtu ?? 1500) + ETH_HLEN + VLAN_HLEN;
  if (!Number.isInteger(maxFrameBytes) || maxFrameBytes < least || maxFrameBytes > MAX_FRAME_BYTES) {
    throw invalidArgument(
      "maxFrameBytes",
      `${least} (the MTU and Ethernet's headers) to ${MAX_FRAME_BYTES}`,
      maxFrameBytes,
    );
  }
  const ringBytes = options.ringBytes ?? 4 * 1024 * 1024;
  const rings = Array.from({ length: queues }, () => FrameRing.allocate(ringBytes));
  if (ringBytes < 4 * maxFrameBytes) {
    throw invalidArgument("ringBytes", `at least four frames of ${maxFrameBytes} bytes`, ringBytes);
  }
  return {
    name: options.device,
    netnsPath: netns === undefined ? undefined : namespacePath(netns),
    mac: options.mac === undefined ? undefined : parseMac(options.mac, "mac"),
    mtu,
    up: options.up ?? true,
    mustExist: options.mustExist ?? false,
    maxFrameBytes,
    vnet,
    rings,
    kernelDrops: new SharedArrayBuffer(8),
  };
}

function namespacePath(netns: string): string {
  if (netns.includes("/")) return netns;
  if (netns === "") throw invalidArgument("netns", "the name or path of a network namespace", netns);
  return `/run/netns/${netns}`;
}
