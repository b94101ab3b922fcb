import { PacketPool } from "@seville/packet";
import { pcapngBytes } from "@seville/packet/pcapng";
import { Link, Simulator, type LinkEnd } from "@seville/sim";
import { createRandom } from "@seville/core";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createSocket } from "node:dgram";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createOutside, openUdpPort, type AttachmentSite } from "../src/index.ts";
import { collect, frame, send, waitFor } from "./frames.ts";

const MS = 1_000_000;
const directory = mkdtempSync(join(tmpdir(), "outside-"));
afterAll(() => rmSync(directory, { recursive: true }));

function world() {
  const simulator = new Simulator();
  const pool = new PacketPool({ small: 64, jumbo: 4, super: 2 });
  const link = new Link({ scheduler: simulator, random: createRandom(1), name: "wan", delay: 5 * MS });
  const failures: Error[] = [];
  const site = (name: string, end: LinkEnd): AttachmentSite => ({
    name,
    end,
    pool,
    simulator,
    fail: (error) => void failures.push(error),
  });
  return { simulator, pool, link, failures, site };
}

function received(end: LinkEnd): number[] {
  const lengths: number[] = [];
  end.attach({
    receiveFrame(packet) {
      lengths.push(packet.length);
      packet.release();
    },
  });
  return lengths;
}

describe("behaviour 20: the outside of a scenario", () => {
  test("udp attachments, in real time: a frame crosses the link and takes its delay", async () => {
    const { simulator, pool, link, failures, site } = world();
    const outside = createOutside({ directory });
    const peers = await Promise.all([
      openUdpPort({ port: 0, encapsulation: "bare" }),
      openUdpPort({ port: 0, encapsulation: "bare" }),
    ]);
    const open = await Promise.all(
      [link.a, link.b].map((end, i) => {
        const to = `127.0.0.1:${peers[i]!.localPort}`;
        return outside.open({ udp: { bind: "127.0.0.1:0", to } }, site(`side${i}`, end));
      }),
    );
    expect(open[0]!.detail).toMatch(/^udp 127\.0\.0\.1:\d+$/);
    const ours = Number(open[0]!.detail.split(":")[1]);
    const abort = new AbortController();
    const progress: number[] = [];
    const running = outside.runInRealtime(simulator, {
      until: 60_000 * MS,
      signal: abort.signal,
      onProgress: (now) => void progress.push(now),
    });
    // The peer learned nobody yet; it speaks from the port that the attachment expects.
    const collected = collect(peers[1]);
    const speaker = createSocket("udp4");
    await waitFor(
      () => progress.length > 0,
      () => "time does not pass",
    );
    const stranger = await new Promise<number>((resolve) =>
      speaker.bind(0, "127.0.0.1", () => resolve(speaker.address().port)),
    );
    speaker.send(frame(60), ours, "127.0.0.1");
    await waitFor(
      () => open[0]!.drops().IP_INVALID_SOURCE === 1,
      () => `a stranger at ${stranger} was let in`,
    );
    speaker.close();
    collect(peers[0]);
    // Teach the first peer where to speak to, by a frame from the other side's end of the link.
    simulator.scheduleCall(simulator.now, () => link.b.send(pool.from(frame(99))!));
    await waitFor(
      () => peers[0].peer !== undefined,
      () => "nothing came out on the first side",
    );
    const startedAt = performance.now();
    send(peers[0], frame(100, 7));
    await collected.until(1);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(5);
    expect(collected.frames).toEqual([frame(100, 7)]);
    abort.abort();
    const { maxLateness, p50Lateness, p99Lateness } = await running;
    expect(p50Lateness).toBeLessThanOrEqual(p99Lateness);
    expect(p99Lateness).toBeLessThanOrEqual(maxLateness);
    await Promise.all([...open, ...peers].map((each) => each.close()));
    link.close();
    expect(failures).toEqual([]);
    expect(pool.stats.inUse).toBe(0);
  });

  test("a replay, in virtual time: from the scenario's directory, or the file of the command line", async () => {
    const bytes = pcapngBytes((writer) => {
      const id = writer.addInterface({ name: "eth0" });
      for (const i of [0, 1, 2]) writer.packet({ interface: id, time: i * MS, data: frame(60 + i) });
      writer.packet({ interface: id, time: 3 * MS, data: frame(60), originalLength: 1000 });
    });
    writeFileSync(join(directory, "in.pcapng"), bytes);
    for (const [spec, replayFile] of [
      [{ file: "in.pcapng" }, undefined],
      [{ loop: 1, speed: 2 }, join(directory, "in.pcapng")],
    ] as const) {
      const { simulator, pool, link, site } = world();
      const lengths = received(link.b);
      const outside = createOutside({ directory, ...(replayFile === undefined ? {} : { replayFile }) });
      const open = await outside.open({ replay: spec }, site("in", link.a));
      simulator.run();
      expect(open.detail).toBe("replay of in.pcapng");
      expect(lengths).toEqual([60, 61, 62]);
      expect(open.drops()).toEqual({ HDR_TRUNC: 1 });
      await open.close();
      expect(pool.stats.inUse).toBe(0);
    }
  });

  test("behaviour 2: a replay of no file says what to give", async () => {
    const { link, site } = world();
    const open = createOutside({ directory }).open({ replay: {} }, site("in", link.a));
    await expect(open).rejects.toThrow(/attachment in replays a capture, and none is named: give --pcap-in FILE/);
    await expect(open).rejects.toMatchObject({ argument: "attachments.in.replay.file" });
  });

  test("a port that breaks fails the run", async () => {
    const { link, failures, site } = world();
    const server = await createOutside({ directory }).open({ stream: { listen: "127.0.0.1:0" } }, site("s", link.a));
    await server.close();
    expect(failures).toEqual([]);
  });
});
