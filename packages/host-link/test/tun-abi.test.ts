import { describe, expect, test } from "vitest";
import { errnoName, fromNodeError, hostError } from "../src/port/errors.ts";
import { MAX_FRAME_BYTES, openTap } from "../src/index.ts";
import { frameLengthFault } from "../src/port/host-port.ts";
import { loadLibc } from "../src/libc/libc.ts";
import {
  checkInterfaceName,
  formatMac,
  getFlags,
  getHardwareAddress,
  IFF_NO_PI,
  IFF_TAP,
  ifreq,
  parseMac,
  parseTxDropped,
  setFlags,
  setHardwareAddress,
  setMtu,
  TUNSETIFF,
  TUNSETOFFLOAD,
} from "../src/tap/tun-abi.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("behaviour 16: the kernel's structures (include/uapi/linux/if.h, if_tun.h)", () => {
  test("the ioctl numbers are _IOW('T', n, int)", () => {
    const iow = (n: number) => (1 << 30) | (4 << 16) | ("T".charCodeAt(0) << 8) | n;
    expect(TUNSETIFF).toBe(iow(202));
    expect(TUNSETOFFLOAD).toBe(iow(208));
  });

  test("struct ifreq: 16 bytes of name, then the union, 40 in all", () => {
    const request = ifreq("tap0");
    setFlags(request, IFF_TAP | IFF_NO_PI);
    expect(hex(request)).toBe(hex(Buffer.from("tap0")).padEnd(32, "0") + "0210" + "00".repeat(22));
    expect(getFlags(request)).toBe(0x1002);
    setFlags(request, 0xffff);
    expect(getFlags(request)).toBe(0xffff);
    setMtu(request, 9000);
    expect(hex(request.subarray(16, 20))).toBe("28230000");
    setHardwareAddress(request, Uint8Array.of(2, 0, 0, 0, 0, 9));
    expect(hex(request.subarray(16, 24))).toBe("0100020000000009");
    expect(hex(getHardwareAddress(request))).toBe("020000000009");
  });

  test.each(["", "a".repeat(16), "a/b", "a b", "a:b", ".", "..", "a\tb"])("no interface is called %j", (name) => {
    expect(() => checkInterfaceName(name, "device")).toThrow(expect.objectContaining({ argument: "device" }));
  });

  test("Ethernet addresses, of one station only", () => {
    expect(hex(parseMac("02:0:0:0:ab:CD", "mac"))).toBe("02000000abcd");
    expect(formatMac(Uint8Array.of(2, 0, 0, 0, 0xab, 0xcd))).toBe("02:00:00:00:ab:cd");
    for (const bad of [
      "01:00:5e:00:00:01",
      "ff:ff:ff:ff:ff:ff",
      "00:00:00:00:00:00",
      "2:0:0:0:0",
      "02-00-00-00-00-01",
      "",
    ]) {
      expect(() => parseMac(bad, "mac"), bad).toThrow(expect.objectContaining({ argument: "mac" }));
    }
  });

  test("tx_dropped is the 12th number of a device's line in /proc/net/dev", () => {
    const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     500       5    0    0    0     0          0         0      500       5    0    0    0     0       0          0
  tap0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
`;
    expect(parseTxDropped(text, "tap0")).toBe(12);
    expect(parseTxDropped(text, "lo")).toBe(0);
    expect(parseTxDropped(text, "tap")).toBeUndefined();
    expect(parseTxDropped("", "tap0")).toBeUndefined();
  });
});

describe("behaviour 2: errors say what to do", () => {
  test("an errno by its name, with advice where there is some", () => {
    expect(hostError("EPERM", "make it", "device")).toMatchObject({
      code: "EPERM",
      argument: "device",
      message: "could not make it: EPERM (run as root, or grant the capability CAP_NET_ADMIN)",
    });
    expect(hostError("EXYZ", "make it").message).toBe("could not make it: EXYZ");
    expect(errnoName(77)).toBe("EBADFD");
    expect(errnoName(4711)).toBe("errno 4711");
    expect(fromNodeError(new TypeError("what"), "do it")).toMatchObject({
      code: "ERR_HOST",
      message: "could not do it: what",
    });
  });

  test("koffi, the optional peer, is asked for by name", async () => {
    await expect(loadLibc("no-such-package-at-all")).rejects.toMatchObject({
      code: "ERR_KOFFI_MISSING",
      message: "calling the C library (for TAP devices) needs the package koffi, which is optional: npm install koffi",
    });
  });

  test.skipIf(process.platform !== "linux").each([
    [{ device: "a/b" }, "device"],
    [{ device: "t", mtu: 20 }, "mtu"],
    [{ device: "t", mac: "ff:ff:ff:ff:ff:ff" }, "mac"],
    [{ device: "t", mtu: 9000, maxFrameBytes: 9000 }, "maxFrameBytes"],
    [{ device: "t", ringBytes: 1000 }, "ringBytes"],
    [{ device: "t", ringBytes: 65_536 }, "ringBytes"],
    [{ device: "t", netns: "" }, "netns"],
  ])("TAP options %o: %s", async (options, argument) => {
    await expect(openTap(options)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT", argument });
  });

  test.each([
    ["darwin", "x64", /needs Linux, this is darwin/],
    ["linux", "mips", /a TAP device on mips is not supported/],
  ])("there is no TAP on %s with %s", async (platform, arch, message) => {
    const before = { platform: process.platform, arch: process.arch };
    const set = (values: typeof before) => {
      for (const [name, value] of Object.entries(values)) Object.defineProperty(process, name, { value });
    };
    set({ platform: platform as NodeJS.Platform, arch: arch as NodeJS.Architecture });
    try {
      await expect(openTap({ device: "tap0" })).rejects.toMatchObject({ code: "ERR_UNSUPPORTED" });
      await expect(openTap({ device: "tap0" })).rejects.toThrow(message);
    } finally {
      set(before);
    }
  });
});

test("behaviour 3: frames are 14 bytes long at least", () => {
  expect(frameLengthFault(13, 1514)).toBe("PKT_TOO_SMALL");
  expect(frameLengthFault(14, 1514)).toBeUndefined();
  expect(frameLengthFault(1514, 1514)).toBeUndefined();
  expect(frameLengthFault(1515, 1514)).toBe("PKT_TOO_BIG");
  expect(MAX_FRAME_BYTES).toBe(65_553);
});
