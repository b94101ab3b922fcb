import { SevilleError } from "@seville/core";
import type * as Koffi from "koffi";

/** The calls of the C library that a netlink socket needs and Node has no function for. Each answers -1 on failure. */
export interface NetlinkLibc {
  socket(domain: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  setns(fd: number, type: number): number;
  /** Waits, on a thread of its own, until one of `fds` (`struct pollfd`) is ready or the time is over. */
  pollAsync(fds: Uint8Array, timeoutMs: number): Promise<number>;
  errno(): number;
}

/**
 * Binds the C library by way of koffi, an optional peer dependency.
 * @throws SevilleError `ERR_KOFFI_MISSING`
 */
export async function loadNetlinkLibc(name = "koffi"): Promise<NetlinkLibc> {
  const koffi = await importKoffi(name);
  const libc = koffi.load(null);
  const poll = libc.func("int poll(_Inout_ uint8_t *fds, unsigned long count, int timeout)");
  return {
    socket: libc.func("int socket(int domain, int type, int protocol)") as NetlinkLibc["socket"],
    setsockopt: libc.func(
      "int setsockopt(int fd, int level, int name, uint8_t *value, uint32_t length)",
    ) as NetlinkLibc["setsockopt"],
    bind: libc.func("int bind(int fd, uint8_t *address, uint32_t length)") as NetlinkLibc["bind"],
    setns: libc.func("int setns(int fd, int type)") as NetlinkLibc["setns"],
    pollAsync: (fds, timeoutMs) =>
      new Promise((resolve, reject) => {
        poll.async(fds, fds.length / 8, timeoutMs, (error: Error | null, ready: number) => {
          if (error === null) resolve(ready);
          else reject(error);
        });
      }),
    errno: () => koffi.errno(),
  };
}

async function importKoffi(name: string): Promise<typeof Koffi> {
  try {
    const { default: koffi } = (await import(name)) as { default: typeof Koffi };
    return koffi;
  } catch (error) {
    throw new SevilleError(
      "ERR_KOFFI_MISSING",
      "opening a netlink socket needs the package koffi, which is optional: npm install koffi",
      "koffi",
      { cause: error },
    );
  }
}
