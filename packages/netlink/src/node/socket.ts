import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { SevilleError } from "@seville/core";
import { LITTLE_ENDIAN } from "../wire/byte-order.ts";
import { loadNetlinkLibc, type NetlinkLibc } from "./libc.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = constants.O_NONBLOCK;
const SOCK_CLOEXEC = 0o2000000;
const CLONE_NEWNET = 0x4000_0000;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const POLLIN = 1;
/** How long a wait lasts at most before it looks whether the socket was closed: a waiting thread cannot be interrupted. */
const LONGEST_WAIT_MS = 200;
/** The kernel fills 32 KiB at a time for a reader who has room. */
const READ_BYTES = 256 * 1024;

export const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;

export interface NetlinkSocketOptions {
  /** {@link NETLINK_ROUTE} or {@link NETLINK_GENERIC}. */
  readonly protocol?: number;
  /** Path of a network namespace, such as `/run/netns/red`. Default: this process's. */
  readonly netns?: string;
  /** Bytes of receive buffer, for sockets that listen to groups. */
  readonly receiveBuffer?: number;
}

/** A netlink socket of the real kernel. Reads do not block: the kernel has answered when the write returns. */
export class NetlinkSocket {
  readonly #fd: number;
  readonly #libc: NetlinkLibc;
  readonly #buffer = new Uint8Array(READ_BYTES);
  #isClosed = false;

  private constructor(fd: number, libc: NetlinkLibc) {
    this.#fd = fd;
    this.#libc = libc;
  }

  /**
   * Opens one, with strict checking and extended acknowledgements on.
   * @throws SevilleError `ERR_KOFFI_MISSING`, or the errno of the call that failed
   */
  static async open(options: NetlinkSocketOptions = {}): Promise<NetlinkSocket> {
    const libc = await loadNetlinkLibc();
    const fd = inNamespace(libc, options.netns, () =>
      libc.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, options.protocol ?? NETLINK_ROUTE),
    );
    if (fd < 0) throw failure(libc, "open a netlink socket");
    const socket = new NetlinkSocket(fd, libc);
    for (const name of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK]) socket.#set(SOL_NETLINK, name, 1);
    socket.#bind();
    if (options.receiveBuffer !== undefined) socket.#set(SOL_SOCKET, SO_RCVBUF, options.receiveBuffer);
    return socket;
  }

  /** Joins a multicast group (`RTNLGRP_…`). */
  join(group: number): void {
    this.#set(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
  }

  /** Sends messages to the kernel. */
  send(bytes: Uint8Array): void {
    try {
      writeSync(this.#fd, bytes);
    } catch (error) {
      throw asSevilleError(error, "send a netlink message");
    }
  }

  /**
   * What has arrived: one datagram, valid until the next call; `undefined`: nothing yet.
   * @throws SevilleError `ENOBUFS`: messages were lost, because nobody read for too long
   */
  receive(): Uint8Array | undefined {
    if (this.#isClosed) return undefined;
    try {
      return this.#buffer.subarray(0, readSync(this.#fd, this.#buffer));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
      throw asSevilleError(error, "receive netlink messages");
    }
  }

  /** Waits until something has arrived. Whether it has: `false` means that the socket was closed. */
  async wait(): Promise<boolean> {
    const pollfd = new Uint8Array(8);
    const view = new DataView(pollfd.buffer);
    while (!this.#isClosed) {
      view.setInt32(0, this.#fd, LITTLE_ENDIAN);
      view.setInt16(4, POLLIN, LITTLE_ENDIAN);
      view.setInt16(6, 0, LITTLE_ENDIAN);
      if ((await this.#libc.pollAsync(pollfd, LONGEST_WAIT_MS)) > 0) return !this.#isClosed;
    }
    return false;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#fd);
  }

  /** Takes a port id that the kernel chooses: a socket without one hears no announcements. */
  #bind(): void {
    const address = new Uint8Array(12);
    new DataView(address.buffer).setUint16(0, AF_NETLINK, LITTLE_ENDIAN);
    if (this.#libc.bind(this.#fd, address, address.length) === 0) return;
    const error = failure(this.#libc, "bind a netlink socket");
    this.close();
    throw error;
  }

  #set(level: number, name: number, value: number): void {
    const bytes = new Uint8Array(Int32Array.of(value).buffer);
    if (this.#libc.setsockopt(this.#fd, level, name, bytes, bytes.length) === 0) return;
    const error = failure(this.#libc, `set option ${name} of a netlink socket`);
    this.close();
    throw error;
  }
}

/** Runs `call` with this thread in the namespace at `path`, and returns to its own. Nothing else runs meanwhile. */
function inNamespace(libc: NetlinkLibc, path: string | undefined, call: () => number): number {
  if (path === undefined) return call();
  const home = openSync("/proc/thread-self/ns/net", "r");
  try {
    let there: number;
    try {
      there = openSync(path, "r");
    } catch (error) {
      throw asSevilleError(error, `open the network namespace ${path}`);
    }
    try {
      if (libc.setns(there, CLONE_NEWNET) < 0) throw failure(libc, `enter the network namespace ${path}`);
      try {
        return call();
      } finally {
        if (libc.setns(home, CLONE_NEWNET) < 0) throw failure(libc, "return to the own network namespace");
      }
    } finally {
      closeSync(there);
    }
  } finally {
    closeSync(home);
  }
}

function failure(libc: NetlinkLibc, what: string): SevilleError {
  const name = getSystemErrorName(-libc.errno());
  const advice = name === "EPERM" ? ": it needs root (or CAP_NET_ADMIN)" : "";
  return new SevilleError(name, `could not ${what}: ${name}${advice}`);
}

function asSevilleError(error: unknown, what: string): SevilleError {
  const { code = "EIO" } = error as NodeJS.ErrnoException;
  return new SevilleError(code, `could not ${what}: ${code}`, undefined, { cause: error });
}
