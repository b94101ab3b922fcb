import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { existsSync, writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { missing, testWith, type Need } from "../../../tools/testing/needs.ts";
import {
  openAttachment,
  openNamespace,
  openTap,
  type HostPort,
  type KernelNamespace,
  type TapOptions,
} from "../src/index.ts";
import { collect, frame, send, waitFor } from "./frames.ts";

const NEEDS: readonly Need[] = ["linux", "root", "tun", "ip"];
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** A name that no other test of this machine uses. */
let count = 0;
const unique = (stem: string): string => `${stem}${process.pid % 100_000}x${count++}`;

async function namespace(): Promise<KernelNamespace> {
  const made = await openNamespace(unique("sv"));
  open.push({ close: () => made.remove() });
  return made;
}

async function tap(options: Partial<TapOptions> = {}) {
  const { name: netns } = await namespace();
  const port = await openTap({ device: "tap0", netns, ...options });
  open.push(port);
  return { port, netns };
}

function ip(netns: string, ...args: string[]): string {
  return execFileSync("ip", ["-n", netns, ...args], { encoding: "utf8", stdio: "pipe" });
}

/** UDP datagrams over IPv4, without what the kernel says by itself (neighbour discovery, multicast reports). */
const udpOf = (frames: readonly Uint8Array[]) =>
  frames.filter((bytes) => bytes[12] === 8 && bytes[13] === 0 && bytes[23] === 17);

/** Gives the device an address and a neighbour, and has the kernel send `count` datagrams there; `size` is an expression in `i`. */
function sendUdp(netns: string, count: number, size: string): void {
  ip(netns, "addr", "replace", "192.0.2.1/24", "dev", "tap0");
  ip(netns, "neigh", "replace", "192.0.2.2", "lladdr", "02:00:00:00:00:02", "dev", "tap0");
  const script = `const socket = require("node:dgram").createSocket("udp4");
    let left = ${count};
    for (let i = 0; i < ${count}; i++) {
      socket.send(Buffer.alloc(${size}, i & 255), 9, "192.0.2.2", () => --left === 0 && socket.close());
    }`;
  execFileSync("ip", ["netns", "exec", netns, process.execPath, "-e", script], { stdio: "pipe" });
}

describe("behaviour 16: a TAP device", () => {
  testWith(NEEDS, "is made in the namespace, with address, MTU and flags, and is gone after close", async () => {
    const { port, netns } = await tap({ mac: "02:00:00:00:00:07", mtu: 1400 });
    expect(port.mac).toBe("02:00:00:00:00:07");
    expect(ip(netns, "link", "show", "tap0")).toMatch(/<[^>]*UP[^>]*> mtu 1400[^]*02:00:00:00:00:07/);
    const offloads = execFileSync("ip", ["netns", "exec", netns, "cat", "/sys/class/net/tap0/tun_flags"], {
      encoding: "utf8",
    });
    expect(Number(offloads) & 0x1002).toBe(0x1002); // IFF_TAP, IFF_NO_PI
    await port.close();
    await port.close();
    expect(() => ip(netns, "link", "show", "tap0")).toThrow();
  });

  testWith(NEEDS, "frames go in: the kernel answers what it is asked", async () => {
    const { port, netns } = await tap({ mac: "02:00:00:00:00:01" });
    ip(netns, "addr", "add", "192.0.2.1/24", "dev", "tap0");
    const collected = collect(port);
    // An ARP request for 192.0.2.1 from 192.0.2.2, 02:00:00:00:00:02 (RFC 826).
    const request = Buffer.from(
      "ffffffffffff02000000000208060001080006040001020000000002c0000202000000000000c0000201",
      "hex",
    );
    send(port, request);
    const reply = () => collected.frames.find((bytes) => bytes[12] === 8 && bytes[13] === 6 && bytes[21] === 2);
    await waitFor(
      () => reply() !== undefined,
      () => "no ARP reply",
    );
    expect(Buffer.from(reply()!).toString("hex")).toBe(
      "02000000000202000000000108060001080006040002020000000001c0000201020000000002c0000202",
    );
  });

  testWith(NEEDS, "frames come out: every one, whole, in order, checksums finished by the kernel", async () => {
    const { port, netns } = await tap({ mac: "02:00:00:00:00:01" });
    const collected = collect(port);
    sendUdp(netns, 400, "i * 3 + 1");
    await waitFor(
      () => udpOf(collected.frames).length >= 400,
      () => `${udpOf(collected.frames).length} of 400`,
    );
    for (const [i, bytes] of udpOf(collected.frames).entries()) {
      expect(bytes.subarray(42)).toEqual(new Uint8Array(i * 3 + 1).fill(i));
      expect(udpSum(bytes)).toBe(0xffff);
    }
    expect(port.stats()).toMatchObject({ rxDrops: {}, kernelDrops: 0 });
  });

  testWith(NEEDS, "jumbo frames both ways", async () => {
    const { port, netns } = await tap({ mtu: 9000 });
    const collected = collect(port);
    sendUdp(netns, 1, "8972");
    await waitFor(
      () => udpOf(collected.frames).length === 1,
      () => "no jumbo frame",
    );
    expect(udpOf(collected.frames)[0]).toHaveLength(9014);
    send(port, frame(9014));
    expect(port.stats()).toMatchObject({ txFrames: 1, txDrops: {} });
  });

  testWith(NEEDS, "behaviour 3: frames that the kernel would not take are counted by reason", async () => {
    const { port, netns } = await tap();
    send(port, frame(13));
    send(port, new Uint8Array(65_554));
    ip(netns, "link", "set", "tap0", "down");
    send(port, frame(60));
    expect(port.stats().txDrops).toEqual({ PKT_TOO_SMALL: 1, PKT_TOO_BIG: 1, DEV_READY: 1 });
  });

  testWith(NEEDS, "behaviour 4: a reader that sleeps: the kernel drops, and its count is ours", async () => {
    const { port, netns } = await tap({ ringBytes: 512 * 1024 });
    // Nobody listens: the ring fills, then the kernel's own queue, then the kernel drops.
    sendUdp(netns, 5000, "1472");
    await waitFor(
      () => port.stats().kernelDrops > 0,
      () => JSON.stringify(port.stats()),
    );
    const shown = () =>
      Number(ip(netns, "-s", "link", "show", "tap0").trim().split("\n").at(-1)!.trim().split(/\s+/)[3]);
    await waitFor(
      () => port.stats().kernelDrops === shown(),
      () => `${port.stats().kernelDrops}, not ${shown()}`,
    );
    const collected = collect(port);
    const total = () => udpOf(collected.frames).length + port.stats().kernelDrops;
    await waitFor(
      () => total() >= 5000,
      () => `${total()} of 5000`,
    );
    // What the kernel itself says (multicast reports) may be among those dropped.
    expect(total()).toBeLessThan(5020);
  });

  testWith(NEEDS, "behaviour 17: a device that is deleted under us fails the port, and close still works", async () => {
    const { port, netns } = await tap();
    const collected = collect(port);
    ip(netns, "link", "del", "tap0");
    const error = await collected.failed();
    expect(error).toMatchObject({ code: "EBADFD" });
    expect(error.message).toMatch(/the device is gone/);
    send(port, frame(60));
    expect(port.stats().txDrops).toEqual({ DEV_READY: 1 });
    await port.close();
  });

  testWith(NEEDS, "behaviour 2: held by another, of another kind, not there, no such namespace", async () => {
    const { netns } = await tap();
    await expect(openTap({ device: "tap0", netns })).rejects.toMatchObject({ code: "EBUSY", argument: "name" });
    await expect(openTap({ device: "lo", netns })).rejects.toMatchObject({ code: "EINVAL" });
    await expect(openTap({ device: "tap9", netns, mustExist: true })).rejects.toMatchObject({ code: "ENODEV" });
    const absent = openTap({ device: "tap0", netns: "no-such-netns" });
    await expect(absent).rejects.toThrow(/no-such-netns: ENOENT \(make it first: ip netns add no-such-netns\)/);
    await expect(openTap({ device: "tap0", netns: "/etc/hostname" })).rejects.toMatchObject({ code: "EINVAL" });
  });

  testWith(NEEDS, "a persistent device of the user's is used, and stays", async () => {
    const { name: netns } = await namespace();
    ip(netns, "tuntap", "add", "dev", "mine", "mode", "tap");
    const port = await openTap({ device: "mine", netns, mustExist: true });
    await port.close();
    expect(ip(netns, "link", "show", "mine")).toMatch(/mine/);
  });

  test.skipIf(missing("linux", "tun") !== undefined)(
    "behaviour 2: without the privilege: EPERM, and what to do",
    () => {
      const script = `import { openTap } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)};
      openTap({ device: "tap0" }).catch((error) => console.log(error.code, error.message));`;
      const asRoot = process.getuid?.() === 0;
      const { stdout, stderr } = runScript(
        script,
        asRoot ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"] : [],
      );
      expect(stdout, stderr).toMatch(/^EPERM could not .*run as root, or grant the capability CAP_NET_ADMIN/);
    },
  );
});

describe("behaviour 18: nothing hangs and nothing stays behind, however the process ends", () => {
  const index = JSON.stringify(new URL("../src/index.ts", import.meta.url).href);
  const opening = (netns: string) => `
    import { openAttachment } from ${index};
    const port = await openAttachment({ tap: { name: "tap0", netns: "${netns}", addresses: ["192.0.2.1/24"] } });
    port.listen({ receiveFrame() {}, portFailed() {} });`;

  testWith(NEEDS, "process.exit() with an open device, which a blocking read would hang", () => {
    const netns = unique("sv");
    const { status, signal } = runScript(`${opening(netns)} process.exit(7);`);
    expect({ status, signal }).toEqual({ status: 7, signal: null });
    expect(existsSync(`/run/netns/${netns}`)).toBe(false);
  });

  testWith(NEEDS, "an uncaught error", () => {
    const netns = unique("sv");
    const { status, stderr } = runScript(`${opening(netns)} setTimeout(() => { throw new Error("boom") }, 50);`);
    expect(status).not.toBe(0);
    expect(stderr).toContain("boom");
    expect(existsSync(`/run/netns/${netns}`)).toBe(false);
  });

  testWith(NEEDS, "close(): the event loop runs dry, and the process ends by itself", () => {
    const netns = unique("sv");
    const { status, signal } = runScript(`${opening(netns)} await port.close();`);
    expect({ status, signal }).toEqual({ status: 0, signal: null });
    expect(existsSync(`/run/netns/${netns}`)).toBe(false);
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    testWith(NEEDS, `${signal}: cleaned up, and it still ends the process as a signal does`, async () => {
      const netns = unique("sv");
      const ended = await signalScript(`${opening(netns)} console.log("open");`, signal);
      expect(ended).toBe(signal);
      expect(existsSync(`/run/netns/${netns}`)).toBe(false);
    });
  }

  testWith(NEEDS, "a signal that the program handles itself, even by `once`, is left to it", async () => {
    const netns = unique("sv");
    const handler = `process.once("SIGINT", () => void port.close().then(() => process.exit(9)));`;
    expect(
      await signalScript(
        `${handler.replace("port", "globalThis.port")} ${opening(netns)} globalThis.port = port; console.log("open");`,
        "SIGINT",
      ),
    ).toBe(9);
    expect(existsSync(`/run/netns/${netns}`)).toBe(false);
  });

  testWith(NEEDS, "SIGKILL: the next run that wants the name finds what is left and takes it", async () => {
    const netns = unique("sv");
    expect(await signalScript(`${opening(netns)} console.log("open");`, "SIGKILL")).toBe("SIGKILL");
    expect(existsSync(`/run/netns/${netns}`)).toBe(true);
    const port = await openAttachment({ tap: { name: "tap0", netns } });
    await port.close();
    expect(existsSync(`/run/netns/${netns}`)).toBe(false);
  });
});

describe("behaviour 19: namespaces", () => {
  testWith(NEEDS, "one that is the user's is used and left alone", async () => {
    const name = unique("user");
    execFileSync("ip", ["netns", "add", name]);
    try {
      const found = await openNamespace(name);
      expect(found.isOurs).toBe(false);
      await found.remove();
      expect(existsSync(`/run/netns/${name}`)).toBe(true);
    } finally {
      execFileSync("ip", ["netns", "del", name]);
    }
  });

  testWith(NEEDS, "one that a living run of Seville made is not taken", async () => {
    const made = await namespace();
    await expect(openNamespace(made.name)).rejects.toMatchObject({ code: "EBUSY", argument: "netns" });
  });

  testWith(NEEDS, "a new one has its loopback up", async () => {
    const made = await namespace();
    expect(made.isOurs).toBe(true);
    expect(ip(made.name, "link", "show", "lo")).toMatch(/<LOOPBACK,UP/);
  });

  test.each(["", "a/b", "..", "a b"])("none is called %j", async (name) => {
    await expect(openNamespace(name)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT", argument: "netns" });
  });
});

describe("behaviour 20: attachments, as scenario files write them", () => {
  testWith(NEEDS, "tap: namespace, device, addresses and routes, at once of use", async () => {
    const netns = unique("sv");
    const port: HostPort = await openAttachment({
      tap: {
        name: "tap0",
        netns,
        mtu: 1400,
        addresses: ["192.0.2.1/24", "2001:db8::1/64"],
        routes: [
          { to: "default", via: "192.0.2.254" },
          { to: "2001:db8:1::/48", via: "2001:db8::ff" },
        ],
      },
    });
    open.push(port);
    expect(port.name).toBe("tap tap0");
    const shown = ip(netns, "addr", "show", "tap0");
    expect(shown).toContain("inet 192.0.2.1/24");
    expect(shown).toMatch(/inet6 2001:db8::1\/64 scope global nodad/);
    expect(ip(netns, "route")).toContain("default via 192.0.2.254 dev tap0");
    expect(ip(netns, "-6", "route")).toContain("2001:db8:1::/48 via 2001:db8::ff dev tap0");
    const first = port.close();
    expect(port.close()).toBe(first);
    await first;
    expect(existsSync(`/run/netns/${netns}`)).toBe(false);
  });

  testWith(NEEDS, "tap: what fails half way leaves nothing behind", async () => {
    const netns = unique("sv");
    const attempt = openAttachment({ tap: { name: "tap0", netns, routes: [{ to: "default", via: "192.0.2.254" }] } });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_IP_COMMAND" });
    await expect(attempt).rejects.toThrow(/route add default via 192\.0\.2\.254 dev tap0: /);
    expect(existsSync(`/run/netns/${netns}`)).toBe(false);
  });

  test("udp: bare, or l2tpv3 with its sessions", async () => {
    const port = await openAttachment({ udp: { bind: "127.0.0.1:0", to: "127.0.0.1:9", l2tpv3: { session: 3 } } });
    open.push(port);
    expect(port.name).toMatch(/^udp 127\.0\.0\.1:\d+$/);
    const other = createSocket("udp4");
    await new Promise<void>((resolve) => other.bind(0, "127.0.0.1", resolve));
    const bare = await openAttachment({ udp: { bind: "127.0.0.1:0", to: `127.0.0.1:${other.address().port}` } });
    open.push(bare, { close: () => new Promise((resolve) => other.close(resolve)) });
    const received = new Promise<Buffer>((resolve) => other.once("message", resolve));
    send(bare, frame(60));
    expect(new Uint8Array(await received)).toEqual(frame(60));
  });

  test("stream: a listener and who connects to it", async () => {
    const probe = await openAttachment({ stream: { listen: "[::1]:0" } });
    open.push(probe);
    expect(probe.name).toBe("stream ::1:0");
  });

  test.each([
    [{ udp: { bind: "127.0.0.1" } }, "bind"],
    [{ udp: { bind: "127.0.0.1:99999" } }, "bind"],
    [{ udp: { bind: "127.0.0.1:0", to: "::1:5" } }, "to"],
    [{ stream: {} }, "stream"],
    [{ stream: { listen: "127.0.0.1:0", connect: "127.0.0.1:1" } }, "stream"],
    [{}, "attachment"],
  ])("behaviour 2: %o names %s", async (spec, argument) => {
    await expect(openAttachment(spec)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT", argument });
  });
});

/** The Internet checksum over a UDP datagram in an Ethernet frame, with its pseudo header: 0xffff if it is right (RFC 768). */
function udpSum(bytes: Uint8Array): number {
  const length = bytes.length - 34;
  const summed = [...bytes.subarray(26, 34), 0, 17, length >> 8, length & 0xff, ...bytes.subarray(34)];
  let sum = 0;
  for (const [i, byte] of summed.entries()) sum += i % 2 === 0 ? byte << 8 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function scriptCommand(script: string): { path: string; args: string[]; done: () => void } {
  const directory = mkdtempSync(join(tmpdir(), "host-link-"));
  const path = join(directory, "script.mjs");
  writeFileSync(path, script);
  const tsx = new URL("../../../node_modules/tsx/dist/loader.mjs", import.meta.url).href;
  const args = ["--conditions=@seville/source", "--import", tsx, path];
  return { path, args, done: () => rmSync(directory, { recursive: true }) };
}

function runScript(script: string, prefix: readonly string[] = []) {
  const { args, done } = scriptCommand(script);
  const [program, ...rest] = [...prefix, process.execPath, ...args] as [string, ...string[]];
  const result = spawnSync(program, rest, { encoding: "utf8", timeout: 20_000 });
  done();
  return result;
}

/** Runs `script` until it prints something, sends it `signal`, and answers with what ended it. */
async function signalScript(script: string, signal: NodeJS.Signals): Promise<NodeJS.Signals | number | null> {
  const { args, done } = scriptCommand(script);
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<NodeJS.Signals | number | null>((resolve) => {
    child.once("exit", (code, endedBy) => resolve(endedBy ?? code));
  });
  await Promise.race([new Promise((resolve) => child.stdout.once("data", resolve)), ended]);
  child.kill(signal);
  const how = await ended;
  done();
  return how;
}
