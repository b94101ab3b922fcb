import { closeSync, constants, existsSync, openSync, readFileSync } from "node:fs";
import { errorCode, errnoName, fromNodeError, hostError } from "../port/errors.ts";
import type { Libc } from "../libc/libc.ts";
import type { TapWorkerData, VnetGrant } from "./messages.ts";
import { grantVnet } from "./vnet-grant.ts";
import {
  getFlags,
  getHardwareAddress,
  getMtu,
  IFF_MULTI_QUEUE,
  IFF_NO_PI,
  IFF_TAP,
  IFF_UP,
  IFF_VNET_HDR,
  ifreq,
  parseTxDropped,
  setFlags,
  setHardwareAddress,
  setMtu,
  SIOCGIFFLAGS,
  SIOCGIFHWADDR,
  SIOCGIFMTU,
  SIOCSIFFLAGS,
  SIOCSIFHWADDR,
  SIOCSIFMTU,
  TUNSETIFF,
  TUNSETOFFLOAD,
} from "./tun-abi.ts";

const CLONE_NEWNET = 0x4000_0000;
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const TUN_PATH = "/dev/net/tun";

/** A device, open. */
export interface OpenDevice {
  /** One for each queue. */
  readonly fds: readonly number[];
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly vnet: VnetGrant | undefined;
}

/**
 * Opens (and makes, unless it is there) a TAP device, in the calling *thread's* network namespace, which it first changes
 * for the one that was asked for. So it runs in a thread of its own.
 *
 * Unless `wanted.vnet` asks for more, offloads are off: the kernel then finishes every checksum and cuts every super-packet
 * before we see the frame.
 */
export function openDevice(libc: Libc, wanted: TapWorkerData): OpenDevice {
  if (wanted.netnsPath !== undefined) enterNamespace(libc, wanted.netnsPath);
  if (wanted.mustExist && readTxDropped(wanted.name) === undefined) {
    throw hostError("ENODEV", `open the TAP device ${wanted.name}`, "name", "there is no device of that name");
  }
  const fds: number[] = [];
  try {
    for (let queue = 0; queue < wanted.rings.length; queue++) {
      const fd = openTunFile();
      fds.push(fd);
      const request = ifreq(wanted.name);
      setFlags(request, deviceFlags(wanted));
      check(libc, libc.ioctl(fd, TUNSETIFF, request), `make the TAP device ${wanted.name}`, "name");
    }
    // Header and offloads are the device's, whatever descriptor they are set by.
    const [first] = fds as [number];
    const vnet = wanted.vnet === undefined ? undefined : grantVnet(libc, first, wanted.name, wanted.vnet);
    if (vnet === undefined) {
      check(libc, libc.ioctlValue(first, TUNSETOFFLOAD, 0), `switch off the offloads of ${wanted.name}`);
    }
    return { fds, vnet, ...configure(libc, wanted) };
  } catch (error) {
    for (const fd of fds) closeSync(fd);
    throw error;
  }
}

function deviceFlags({ vnet, rings }: TapWorkerData): number {
  return IFF_TAP | IFF_NO_PI | (vnet === undefined ? 0 : IFF_VNET_HDR) | (rings.length > 1 ? IFF_MULTI_QUEUE : 0);
}

/** How many frames the kernel has dropped because we read too slowly; `undefined`: no such device here. */
export function readTxDropped(name: string): number | undefined {
  // Not /proc/net, which is that of the process's first thread.
  return parseTxDropped(readFileSync("/proc/thread-self/net/dev", "utf8"), name);
}

function enterNamespace(libc: Libc, path: string): void {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY);
  } catch (error) {
    const advice =
      errorCode(error) === "ENOENT" ? `make it first: ip netns add ${path.replace(/.*\//, "")}` : undefined;
    throw fromNodeError(error, `open the network namespace ${path}`, "netns", advice);
  }
  try {
    check(libc, libc.setns(fd, CLONE_NEWNET), `enter the network namespace ${path}`, "netns");
  } finally {
    closeSync(fd);
  }
}

function openTunFile(): number {
  if (!existsSync(TUN_PATH)) {
    throw hostError(
      "ENOENT",
      `open ${TUN_PATH}`,
      undefined,
      "load the kernel module: modprobe tun; in a container, pass --device /dev/net/tun",
    );
  }
  try {
    // Non-blocking: a blocking read could not be interrupted, not even by terminate() or process.exit().
    return openSync(TUN_PATH, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    throw fromNodeError(error, `open ${TUN_PATH}`);
  }
}

/** Sets address, MTU and flags, in an order that the kernel takes, and returns the address and the MTU that it has now. */
function configure(libc: Libc, wanted: TapWorkerData): { mac: Uint8Array; mtu: number } {
  const { name, mac, mtu } = wanted;
  const socket = check(libc, libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket for ioctl");
  try {
    if (mac !== undefined) {
      const request = ifreq(name);
      setHardwareAddress(request, mac);
      check(libc, libc.ioctl(socket, SIOCSIFHWADDR, request), `set the address of ${name}`, "mac");
    }
    if (mtu !== undefined) {
      const request = ifreq(name);
      setMtu(request, mtu);
      check(libc, libc.ioctl(socket, SIOCSIFMTU, request), `set the MTU of ${name} to ${mtu}`, "mtu");
    }
    if (wanted.up) {
      const request = ifreq(name);
      check(libc, libc.ioctl(socket, SIOCGIFFLAGS, request), `read the flags of ${name}`);
      setFlags(request, getFlags(request) | IFF_UP);
      check(libc, libc.ioctl(socket, SIOCSIFFLAGS, request), `bring ${name} up`);
    }
    const request = ifreq(name);
    check(libc, libc.ioctl(socket, SIOCGIFHWADDR, request), `read the address of ${name}`);
    const mtuRequest = ifreq(name);
    check(libc, libc.ioctl(socket, SIOCGIFMTU, mtuRequest), `read the MTU of ${name}`);
    return { mac: getHardwareAddress(request), mtu: getMtu(mtuRequest) };
  } finally {
    closeSync(socket);
  }
}

function check(libc: Libc, result: number, doing: string, argument?: string): number {
  if (result >= 0) return result;
  throw hostError(errnoName(libc.errno()), doing, argument);
}
