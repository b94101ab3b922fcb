import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { EXIT } from "@seville/cli";
import { compose } from "@seville/packet";
import { readCapture } from "@seville/packet/pcapng";
import { geneve, vxlan } from "@seville/tunnel-encap";
import { seville } from "./capture-output.ts";

const directory = mkdtempSync(join(tmpdir(), "seville-listen-"));
afterAll(() => rmSync(directory, { recursive: true }));

const FRAME = compose([
  { ethernet: { destination: 0x02_00_00_00_00_02, source: 0x02_00_00_00_00_01 } },
  { ipv4: { source: 0x0a00_0001, destination: 0x0a00_0002 } },
  { udp: { sourcePort: 1, destinationPort: 2 } },
  "mirrored",
]);

function wrapped(write: (view: DataView) => number): Uint8Array {
  const bytes = new Uint8Array(8 + FRAME.length);
  bytes.set(FRAME, write(new DataView(bytes.buffer)));
  return bytes;
}

const inVxlan = (vni: number): Uint8Array => wrapped((view) => vxlan.write(view, 0, { vni }));

async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}

/** Sends `payloads` again and again until `done`: whoever listens may not yet. */
async function keepSending(port: number, payloads: readonly Uint8Array[], done: Promise<unknown>): Promise<void> {
  const socket = createSocket("udp4");
  const finished = done.then(() => true);
  while ((await Promise.race([finished, sleep(20)])) !== true) {
    for (const payload of payloads) socket.send(payload, port, "127.0.0.1");
  }
  socket.close();
}

describe("seville listen", () => {
  test("prints frames, writes them to a capture, and ends after --count", async () => {
    const port = await freePort();
    const pcap = join(directory, "out.pcapng");
    const run = seville("listen", "vxlan", "--port", `${port}`, "--host", "127.0.0.1", "--count", "3", "--pcap", pcap);
    await keepSending(port, [inVxlan(7), inVxlan(8)], run);
    const { code, stdout, stderr } = await run;
    expect(code).toBe(EXIT.OK);
    expect(stdout).toMatch(/^127\.0\.0\.1\.\d+ vni [78]: IP 10\.0\.0\.1\.1 > 10\.0\.0\.2\.2: UDP, length 8$/m);
    expect(stdout.trim().split("\n")).toHaveLength(3);
    expect(stderr).toMatch(/listening for vxlan on 127\.0\.0\.1 port \d+\n[^]*3 frames/);
    const packets = [...readCapture(readFileSync(pcap))].filter((event) => event.type === "packet");
    expect(packets).toHaveLength(3);
    expect(packets[0]!.data).toEqual(FRAME);
  });

  test("Ctrl-C ends it cleanly: the statistics are printed as JSON", async () => {
    const port = await freePort();
    const run = seville("listen", "geneve", "--port", `${port}`, "--host", "127.0.0.1", "--vni", "5", "--json");
    const stop = sleep(400).then(() => process.emit("SIGINT"));
    const other = wrapped((view) => geneve.write(view, 0, { vni: 6 }));
    await keepSending(port, [other, wrapped((view) => geneve.write(view, 0, { vni: 5 })), new Uint8Array(3)], run);
    await stop;
    const { code, stdout } = await run;
    expect(code).toBe(EXIT.OK);
    const stats = JSON.parse(stdout) as Record<string, number>;
    expect(stats["frames"]).toBeGreaterThan(0);
    expect(stats["filtered"]).toBeGreaterThan(0);
    expect(stats["malformed"]).toBeGreaterThan(0);
  });

  test("--duration ends it, and what is wrong is said", async () => {
    const { code, stdout } = await seville("listen", "gue", "--port", "0", "--duration", "0", "--json");
    expect([code, JSON.parse(stdout)]).toMatchObject([EXIT.OK, { datagrams: 0 }]);
    expect((await seville("listen", "gre")).code).toBe(EXIT.USAGE);
    expect((await seville("listen", "vxlan", "--vni", "99999999")).code).toBe(EXIT.USAGE);
    const help = await seville("listen", "--help");
    expect([help.code, help.stdout]).toEqual([EXIT.OK, expect.stringContaining("AWS VPC traffic mirror")]);
  });

  test("a port that is taken is the machine's fault", async () => {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    const { port } = socket.address();
    const { code, stderr } = await seville("listen", "vxlan", "--port", `${port}`, "--host", "127.0.0.1");
    expect([code, stderr]).toEqual([EXIT.UNAVAILABLE, expect.stringContaining("EADDRINUSE")]);
    socket.close();
  });
});
