import { closeSync, constants, existsSync, openSync, readFileSync } from "node:fs";
import { errorCode, errnoName, fromNodeError, hostError } from "../port/errors.ts";
import type { Libc } from "../libc/libc.ts";
import type { TapWorkerData } from "./messages.ts";
import {
  getFlags,
  getHardwareAddress,
  IFF_NO_PI,
  IFF_TAP,
  IFF_UP,
  ifreq,
  parseTxDropped,
  setFlags,
  setHardwareAddress,
  setMtu,
  SIOCGIFFLAGS,
  SIOCGIFHWADDR,
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

/** Device, its address, and how many frames its kernel had dropped before we came. */
export interface OpenDevice {
  readonly fd: number;
  readonly mac: Uint8Array;
}

/**
 * Opens (and makes, unless it is there) a TAP device, in the calling *thread's* network namespace, which it first changes
 * for the one that was asked for. So it runs in a thread of its own.
 *
 * Offloads are off: the kernel then finishes every checksum and cuts every super-packet before we see the frame.
 */
export function openDevice(libc: Libc, wanted: TapWorkerData): OpenDevice {
  if (wanted.netnsPath !== undefined) enterNamespace(libc, wanted.netnsPath);
  if (wanted.mustExist && readTxDropped(wanted.name) === undefined) {
    throw hostError("ENODEV", `open the TAP device ${wanted.name}`, "name", "there is no device of that name");
  }
  const fd = openTunFile();
  try {
    const request = ifreq(wanted.name);
    setFlags(request, IFF_TAP | IFF_NO_PI);
    check(libc, libc.ioctl(fd, TUNSETIFF, request), `make the TAP device ${wanted.name}`, "name");
    check(libc, libc.ioctlValue(fd, TUNSETOFFLOAD, 0), `switch off the offloads of ${wanted.name}`);
    return { fd, mac: configure(libc, wanted) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
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

/** Sets address, MTU and flags, in an order that the kernel takes, and returns the address it has now. */
function configure(libc: Libc, wanted: TapWorkerData): Uint8Array {
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
    return getHardwareAddress(request);
  } finally {
    closeSync(socket);
  }
}

function check(libc: Libc, result: number, doing: string, argument?: string): number {
  if (result >= 0) return result;
  throw hostError(errnoName(libc.errno()), doing, argument);
}
