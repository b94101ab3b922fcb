import { execFile, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { transformSync } from "esbuild";
import { STATS_DRIVER, STATS_QUEUE } from "@seville/netdev";
import { createSimulation } from "@seville/sim";
import { afterEach, describe, expect, test } from "vitest";
import { testWith, type Need } from "../../../../tools/testing/needs.ts";
import { openNamespace, openTapNic, RealtimeDriver, type TapNic, type TapNicOptions } from "../../src/index.ts";
import { waitFor } from "../frames.ts";

const run = promisify(execFile);
const NEEDS: readonly Need[] = ["linux", "root", "tun", "ip"];
const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

let count = 0;
const unique = (stem: string): string => `${stem}${process.pid % 100_000}x${count++}`;

interface Patch {
  readonly nics: readonly [TapNic, TapNic];
  readonly netns: readonly [string, string];
  readonly failures: Error[];
}

/** Two namespaces of the kernel on one network, 192.0.2.0/24: what comes from one TAP device goes to the other, as it is. */
async function patch(options: Partial<TapNicOptions> = {}): Promise<Patch> {
  const { simulator: scheduler, pool } = createSimulation({ pool: { small: 4096, jumbo: 16, super: 128 } });
  const clock = new RealtimeDriver(scheduler);
  const failures: Error[] = [];
  const netns = [unique("svn"), unique("svn")] as const;
  const nics: TapNic[] = [];
  for (const [i, name] of netns.entries()) {
    const namespace = await openNamespace(name);
    undo.push(() => namespace.remove());
    const nic = await openTapNic({
      device: "tap0",
      netns: name,
      mac: `02:00:00:00:00:0${i + 1}`,
      scheduler,
      pool,
      clock,
      onFailure: (error) => void failures.push(error),
      receive: (packet, now) => {
        const other = nics[1 - i];
        if (other === undefined) packet.release();
        else other.transmit(packet, now);
      },
      ...options,
    });
    nics.push(nic);
    undo.push(() => nic.close());
    await run("ip", ["-n", name, "addr", "add", `192.0.2.${i + 1}/24`, "dev", "tap0"]);
  }
  for (const nic of nics) nic.open(0);
  const running = clock.run({ until: 120e9 });
  undo.push(async () => {
    clock.stop();
    await running;
    for (const nic of nics) nic.stop(scheduler.now);
    // What was under way is back: nothing leaks.
    pool.assertDrained();
  });
  return { nics: nics as [TapNic, TapNic], netns, failures };
}

/** Sends `megabytes` by TCP from the first namespace to the second; answers the hashes on both sides. */
async function transfer([from, to]: readonly [string, string], megabytes: number): Promise<[string, string]> {
  const receive = `const hash = require("node:crypto").createHash("sha256");
    require("node:net").createServer(function (socket) {
      this.close();
      socket.on("data", (chunk) => hash.update(chunk)).on("end", () => { console.log(hash.digest("hex")); socket.end(); });
    }).listen(9000, () => console.error("ready"));`;
  const send = `const { createHash, randomBytes } = require("node:crypto");
    const bytes = randomBytes(1 << 20);
    const hash = createHash("sha256");
    const socket = require("node:net").connect(9000, "192.0.2.2", async () => {
      for (let i = 0; i < ${megabytes}; i++) {
        hash.update(bytes);
        if (!socket.write(bytes)) await new Promise((resolve) => socket.once("drain", resolve));
      }
      socket.end();
      console.log(hash.digest("hex"));
    });
    socket.resume();`;
  const server = spawn("ip", ["netns", "exec", to, process.execPath, "-e", receive]);
  try {
    let [output, said] = ["", ""];
    server.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    server.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    const ended = new Promise((resolve) => server.once("close", resolve));
    await waitFor(
      () => said.includes("ready"),
      () => said,
    );
    const { stdout } = await run("ip", ["netns", "exec", from, process.execPath, "-e", send], { timeout: 60_000 });
    await ended;
    return [stdout.trim(), output.trim()];
  } finally {
    server.kill("SIGKILL");
  }
}

async function flagsOf(netns: string): Promise<number> {
  const { stdout } = await run("ip", ["netns", "exec", netns, "cat", "/sys/class/net/tap0/tun_flags"]);
  return Number(stdout);
}

/** Mean size of the super-packets that came from the kernel. */
function meanSuper(nic: TapNic): number {
  const stats = nic.stats(STATS_DRIVER);
  return (stats.get("rx_gso_bytes") ?? 0) / (stats.get("rx_gso_packets") ?? Number.NaN);
}

/** What was dropped, but for frames that came while the device was still down. */
function drops(nic: TapNic): string[] {
  return [...nic.stats(STATS_DRIVER).keys()].filter(
    (name) => /drop|errno|vnet/.test(name) && !name.endsWith("DEV_READY"),
  );
}

describe("behaviours 24 and 26: real super-packets go through unsplit", () => {
  testWith(
    NEEDS,
    "TCP between two kernels: 64 MB arrive unharmed, in packets far longer than the MTU",
    async () => {
      const { nics, netns } = await patch();
      const [sent, got] = await transfer(netns, 64);
      expect(got).toBe(sent);
      console.log(`mean super-packet ${Math.round(meanSuper(nics[0]))} bytes`);
      expect(meanSuper(nics[0])).toBeGreaterThan(10_000);
      const { total } = nics[1].device.txQueueStats;
      expect(total.hw_gso_packets).toBeGreaterThan(100);
      expect(total.hw_gso_bytes).toBeGreaterThan(60e6);
      for (const nic of nics) expect([drops(nic), nic.kernelDrops]).toEqual([[], 0]);
    },
    60_000,
  );

  testWith(
    NEEDS,
    "without a header (vnetHdr: false) the kernel splits, we merge (GRO) and split again: the same bytes",
    async () => {
      const { nics, netns } = await patch({ vnetHdr: false });
      expect(await flagsOf(netns[0])).toBe(0x1002); // IFF_TAP, IFF_NO_PI
      const [sent, got] = await transfer(netns, 8);
      expect(got).toBe(sent);
      expect(nics[0].stats(STATS_DRIVER).get("rx_gso_packets")).toBeUndefined();
      expect(nics[0].device.rxQueueStats.total.bytes / nics[0].device.rxQueueStats.total.packets).toBeLessThan(1515);
      for (const nic of nics) expect(drops(nic)).toEqual([]);
    },
    60_000,
  );
});

testWith(NEEDS, "the README's example runs", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const [left, right] = [unique("svl"), unique("svr")];
  const index = JSON.stringify(new URL("../../src/index.ts", import.meta.url).href);
  const sim = JSON.stringify(new URL("../../../sim/src/index.ts", import.meta.url).href);
  const example = /## Super-packets[^]*?```ts\n([^]*?)```/
    .exec(readme)?.[1]!
    .replace('"left", "right"', `"${left}", "${right}"`)
    .replace("until: 60e9", "until: 0.3e9")
    .replace('"@seville/host-link"', index)
    .replace('"@seville/sim"', sim) as string;
  const node = ["--conditions=@seville/source", "--import", "tsx", "--input-type=module", "-e"];
  // Types are for people: Node reads what is left.
  const script = transformSync(example, { loader: "ts" }).code;
  const { stdout, stderr } = spawnSync(process.execPath, [...node, script], { encoding: "utf8", timeout: 30_000 });
  expect(stdout, stderr).toMatch(/^\{ headerBytes: (12|24), offloads: \d+ \}$/m);
});

describe("behaviour 27: several queues", () => {
  testWith(NEEDS, "frames come and go by each, and the statistics tell which", async () => {
    const { nics, netns } = await patch({ queues: 3 });
    expect(await flagsOf(netns[0])).toBe(0x5102); // IFF_VNET_HDR, IFF_MULTI_QUEUE, IFF_TAP, IFF_NO_PI
    // Each socket is a flow, and the kernel picks a queue by the flow.
    const script = `const { createSocket } = require("node:dgram");
      for (let i = 0; i < 40; i++) {
        const socket = createSocket("udp4");
        socket.bind(20000 + i, () => socket.send(Buffer.alloc(100), 9, "192.0.2.2", () => socket.close()));
      }`;
    await run("ip", ["netns", "exec", netns[0], process.execPath, "-e", script]);
    const queues = () => nics[0].device.rxQueueStats.queues.map(({ packets }) => packets);
    await waitFor(
      () => nics[0].device.rxQueueStats.total.packets >= 40,
      () => queues().join(" "),
    );
    expect(queues().filter((packets) => packets > 0).length).toBeGreaterThan(1);
    const dump = nics[0].stats(STATS_QUEUE);
    expect([0, 1, 2].map((queue) => dump.get(`rx-${queue}.packets`))).toEqual(queues());
    expect(nics[1].device.txQueueStats.queues.filter(({ packets }) => packets > 0).length).toBeGreaterThan(1);
  });
});

describe("behaviour 28: the kernel's side follows our switches", () => {
  testWith([...NEEDS, "ethtool"], "rx-gro-hw and rx, as `ethtool -k` of the other side shows them", async () => {
    const { nics, netns } = await patch();
    const shown = async (name: string): Promise<string> => {
      const { stdout } = await run("ip", ["netns", "exec", netns[0], "ethtool", "-k", "tap0"]);
      return new RegExp(`^\\s*${name}: (on|off)`, "m").exec(stdout)?.[1] ?? stdout;
    };
    expect(nics[0].vnet?.offloads).toBeGreaterThanOrEqual(0x0f);
    expect([await shown("tx-tcp-segmentation"), await shown("tx-checksum-ip-generic")]).toEqual(["on", "on"]);
    expect(nics[0].setFeature("rx-gro-hw", false).names()).toEqual([]);
    expect([await shown("tx-tcp-segmentation"), await shown("tx-checksum-ip-generic")]).toEqual(["off", "on"]);
    nics[0].setFeature("rx", false);
    expect(await shown("tx-checksum-ip-generic")).toBe("off");
    nics[0].setFeature("rx-gro-hw", true);
    expect(nics[0].fixes.map(({ message }) => message)).toContain("Dropping NETIF_F_GRO_HW since no RXCSUM feature.");
    nics[0].setFeature("rx", true);
    expect([await shown("tx-tcp-segmentation"), await shown("tx-checksum-ip-generic")]).toEqual(["on", "on"]);
  });

  testWith(NEEDS, "offloads that are not asked for are not there", async () => {
    const { nics } = await patch({ offloads: 1 });
    expect(nics[0].vnet).toEqual({ headerBytes: 12, offloads: 1 });
    expect(nics[0].device.features.features.has("GRO_HW")).toBe(false);
  });
});

describe("behaviours 1, 2 and 17 of a TAP device as a NIC", () => {
  testWith(
    NEEDS,
    "a device that is deleted under us: EBADFD, no carrier, frames are dropped, and close still works",
    async () => {
      const { nics, netns, failures } = await patch();
      const carriers: boolean[] = [];
      nics[0].attach({
        receive: (packet) => packet.release(),
        filterAccepts: () => true,
        host: { interfaces: { setCarrier: (_iface, up) => void carriers.push(up) } },
      });
      expect(nics[0].carrier).toBe(true);
      await run("ip", ["-n", netns[0], "link", "del", "tap0"]);
      await waitFor(
        () => failures.length > 0,
        () => "it did not fail",
      );
      expect(failures[0]).toMatchObject({ code: "EBADFD" });
      expect([nics[0].carrier, carriers]).toEqual([false, [false]]);
      await nics[0].close();
      await nics[0].close();
    },
  );

  testWith(NEEDS, "without the privilege: EPERM, and what to do", () => {
    const index = JSON.stringify(new URL("../../src/index.ts", import.meta.url).href);
    const sim = JSON.stringify(new URL("../../../sim/src/index.ts", import.meta.url).href);
    const script = `import { openTapNic } from ${index};
      import { createSimulation } from ${sim};
      const { simulator: scheduler, pool } = createSimulation();
      const clock = { inject: () => undefined };
      openTapNic({ device: "tap0", scheduler, pool, clock, onFailure() {} }).catch((error) => console.log(error.code, error.message));`;
    const node = ["--conditions=@seville/source", "--import", "tsx", "--input-type=module", "-e", script];
    const without = ["--bounding-set=-all", "--inh-caps=-all", "--", process.execPath, ...node];
    const { stdout, stderr } = spawnSync("setpriv", without, { encoding: "utf8", timeout: 30_000 });
    expect(stdout, stderr).toMatch(/^EPERM could not .*run as root, or grant the capability CAP_NET_ADMIN/);
  });

  test.each([
    ["queues", { queues: 0 }],
    ["queues", { queues: 17 }],
    ["queues", { queues: 1.5 }],
    ["offloads", { offloads: 0x10 }],
    ["offloads", { offloads: 1 << 20 }],
    ["device", { device: "a/b" }],
  ])("%s: %j is the caller's mistake", async (argument, wrong) => {
    const { simulator: scheduler, pool } = createSimulation({ pool: { small: 1, jumbo: 0, super: 0 } });
    const options = { device: "tap0", scheduler, pool, clock: { inject: () => undefined }, onFailure: () => undefined };
    await expect(openTapNic({ ...options, ...wrong })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      argument,
    });
  });
});
