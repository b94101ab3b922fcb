import { SevilleError } from "@seville/core";
import type * as Koffi from "koffi";

/** The calls of the C library that Node has no function for. Each answers -1 on failure; {@link Libc.errno} says why. */
export interface Libc {
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /** An ioctl whose argument is a number. */
  ioctlValue(fd: number, request: number, argument: number): number;
  socket(domain: number, type: number, protocol: number): number;
  setns(fd: number, type: number): number;
  eventfd(initial: number, flags: number): number;
  poll(fds: Uint8Array, count: number, timeoutMs: number): number;
  read(fd: number, into: Uint8Array, count: number): number;
  close(fd: number): number;
  sched_getscheduler(thread: number): number;
  /** @param parameters `struct sched_param`: one int, the priority */
  sched_setscheduler(thread: number, policy: number, parameters: Uint8Array): number;
  errno(): number;
}

/**
 * Binds the C library by way of koffi, an optional peer dependency.
 * @param koffi the module to load, for tests
 * @throws SevilleError `ERR_KOFFI_MISSING`
 */
export async function loadLibc(koffi = "koffi"): Promise<Libc> {
  const ffi = await importKoffi(koffi);
  const libc = ffi.load(null);
  return {
    ioctl: libc.func("int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)") as Libc["ioctl"],
    ioctlValue: libc.func("ioctl", "int", ["int", "unsigned long", "unsigned long"]) as Libc["ioctlValue"],
    socket: libc.func("int socket(int domain, int type, int protocol)") as Libc["socket"],
    setns: libc.func("int setns(int fd, int type)") as Libc["setns"],
    eventfd: libc.func("int eventfd(unsigned int initial, int flags)") as Libc["eventfd"],
    poll: libc.func("int poll(_Inout_ uint8_t *fds, unsigned long count, int timeout)") as Libc["poll"],
    read: libc.func("long read(int fd, _Out_ uint8_t *into, size_t count)") as Libc["read"],
    close: libc.func("int close(int fd)") as Libc["close"],
    sched_getscheduler: libc.func("int sched_getscheduler(int thread)") as Libc["sched_getscheduler"],
    sched_setscheduler: libc.func(
      "int sched_setscheduler(int thread, int policy, uint8_t *parameters)",
    ) as Libc["sched_setscheduler"],
    errno: () => ffi.errno(),
  };
}

async function importKoffi(name: string): Promise<typeof Koffi> {
  try {
    const { default: koffi } = (await import(name)) as { default: typeof Koffi };
    return koffi;
  } catch (error) {
    throw new SevilleError(
      "ERR_KOFFI_MISSING",
      "calling the C library (for TAP devices) needs the package koffi, which is optional: npm install koffi",
      "koffi",
      { cause: error },
    );
  }
}
