import { describe, expect, test } from "vitest";
import {
  runScenario,
  type AttachmentSite,
  type Outside,
  type OutsideProgram,
  type RunningProgram,
  type Scenario,
} from "@seville/scenario";

type Ending = Awaited<RunningProgram["ended"]>;

const SCENARIO: Scenario = {
  name: "outside",
  duration: "10s",
  realtime: true,
  endWithPrograms: true,
  hosts: { idle: {} },
  attachments: {
    left: { tap: { name: "t0", netns: "nl" } },
    right: { tap: { name: "t1", netns: "nr" } },
  },
  links: { wire: { between: ["left", "right"], delay: "5ms", rate: "10mbit" } },
  programs: {
    server: { in: "right", run: "server --forever", background: true },
    first: { in: "left", run: "ping -D 10.0.0.2", start: "1s" },
  },
};

/** An outside whose clock is the simulator's, and whose programs are functions. */
class PlayedOutside implements Outside {
  readonly sites: Map<string, AttachmentSite> = new Map();
  readonly started: OutsideProgram[] = [];
  readonly stopped: string[] = [];
  readonly counters: Record<string, Record<string, number>> = {};
  closed = 0;
  readonly #play: (program: OutsideProgram, outside: PlayedOutside) => Promise<Ending> | undefined;

  constructor(play: (program: OutsideProgram, outside: PlayedOutside) => Promise<Ending> | undefined) {
    this.#play = play;
  }

  open(_spec: unknown, site: AttachmentSite) {
    this.sites.set(site.name, site);
    this.counters[site.name] = { IcmpOutEchos: 0 };
    site.end.attach({ receiveFrame: (packet) => packet.release() });
    return Promise.resolve({
      detail: site.name,
      counters: () => Promise.resolve({ ...this.counters[site.name] }),
      close: () => {
        this.closed++;
        return Promise.resolve();
      },
    });
  }

  async runInRealtime(
    simulator: AttachmentSite["simulator"],
    { until, signal }: { until: number; signal: AbortSignal },
  ) {
    while (simulator.now < until && !signal.aborted) {
      simulator.run({ until: Math.min(until, simulator.now + 10e6) });
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { maxLateness: 0, p50Lateness: 0, p99Lateness: 0 };
  }

  runProgram(program: OutsideProgram): RunningProgram {
    this.started.push(program);
    const name = program.command[0] ?? "";
    let interrupt: (ending: Ending) => void = () => undefined;
    const interrupted = new Promise<Ending>((resolve) => (interrupt = resolve));
    return {
      startedAt: 1_000_000,
      ended: Promise.race([this.#play(program, this) ?? interrupted, interrupted]),
      stop: () => {
        this.stopped.push(name);
        interrupt({ signal: "SIGINT", stdout: "", stderr: "" });
      },
    };
  }
}

const PINGED =
  "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n[1000.010] 64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=10.2 ms\n\n" +
  "1 packets transmitted, 1 received, 0% packet loss, time 0ms\n";

/** An ICMP echo message in an Ethernet frame, as a kernel writes it; checksums do not matter to who counts. */
function echo(type: number, source: number, destination: number): Uint8Array {
  const frame = new Uint8Array(98);
  const view = new DataView(frame.buffer);
  view.setUint16(12, 0x0800);
  view.setUint8(14, 0x45);
  view.setUint16(16, 84);
  view.setUint8(22, 64);
  view.setUint8(23, 1);
  view.setUint32(26, 0x0a000000 + source);
  view.setUint32(30, 0x0a000000 + destination);
  view.setUint8(34, type);
  view.setUint16(38, 0x1234);
  return frame;
}

function send(outside: PlayedOutside, from: string, frame: Uint8Array): void {
  const { end, pool, simulator } = outside.sites.get(from)!;
  simulator.scheduleCall(simulator.now, () => end.send(pool.from(frame)!));
}

const play = (program: OutsideProgram, outside: PlayedOutside): Promise<Ending> | undefined => {
  if (program.command[0] !== "ping") return undefined;
  send(outside, "left", echo(8, 1, 2));
  send(outside, "right", echo(0, 2, 1));
  outside.counters["left"] = { IcmpOutEchos: 1, IcmpInEchoReps: 1 };
  outside.counters["right"] = { IcmpInEchos: 1, IcmpOutEchoReps: 1 };
  return Promise.resolve({ exitCode: 0, stdout: PINGED, stderr: "" });
};

describe("P4: programs of the real world", () => {
  test("start at their time in the namespace of their attachment; the run ends with them, and ends the servers", async () => {
    const outside = new PlayedOutside(play);
    const result = await runScenario(SCENARIO, { outside });
    expect(outside.started).toEqual([
      { command: ["server", "--forever"], netns: "nr" },
      { command: ["ping", "-D", "10.0.0.2"], netns: "nl" },
    ]);
    expect(result.run.end).toBe("finished");
    // A second, then half a second for what is under way.
    expect(result.run.endedAt).toBeGreaterThanOrEqual(1.5e9);
    expect(result.run.endedAt).toBeLessThan(1.7e9);
    expect(outside.stopped).toEqual(["server"]);
    expect(outside.closed).toBe(2);
    expect(result.programs).toMatchObject([
      { name: "server", end: "stopped", startedAt: 0 },
      { name: "first", end: "exited", exitCode: 0, startedAt: 1e9 },
    ]);
    expect(result.warnings).toEqual([]);
    expect(result.events.map(({ label }) => label)).toEqual(["start server", "start first"]);
    expect(result.pool.after).toBe(0);
  });

  test("P5: beside what ping measured stand its frames, what links take for them, and what kernels counted", async () => {
    const { programs, kernels, crossings, series } = await runScenario(SCENARIO, { outside: new PlayedOutside(play) });
    const one = { entered: 1, left: 1, leftBytes: 98, drops: {} };
    // Twice 5 ms, and (98 + 12) bytes at 10 Mbit/s (IEEE 802.3: preamble and check sequence around them).
    expect(programs?.[1]?.wire).toEqual({ forth: one, back: one, modelRtt: 2 * (5e6 + 88_000) });
    expect(kernels?.map(({ netns, protocols }) => [netns, protocols])).toEqual([
      ["nl", [{ protocol: "icmp-echo", sent: 1, received: 1, entered: 1, left: 1 }]],
      ["nr", [{ protocol: "icmp-echo", sent: 1, received: 1, entered: 1, left: 1 }]],
    ]);
    expect(crossings).toEqual([{ protocol: "icmp-echo", sent: 2, received: 2, missing: 0, dropped: 0, drops: {} }]);
    expect(series.delays).toEqual([{ name: "first", kind: "rtt", at: [1e9 + 10e6], value: [10.2e6], lostAt: [] }]);
  });

  test("P5: frames that a link dropped are missing at the receivers", async () => {
    const lossy: Scenario = {
      ...SCENARIO,
      links: { wire: { between: ["left", "right"], from: { left: { loss: "100%" } } } },
    };
    const { programs, crossings } = await runScenario(lossy, {
      outside: new PlayedOutside((program, outside) => {
        const ending = play(program, outside);
        if (ending !== undefined) outside.counters["right"] = { IcmpOutEchoReps: 1 };
        return ending;
      }),
    });
    expect(programs?.[1]?.wire?.forth).toEqual({ entered: 1, left: 0, leftBytes: 0, drops: { LINK_LOSS: 1 } });
    expect(crossings).toMatchObject([{ sent: 2, received: 1, missing: 1, dropped: 1, drops: { LINK_LOSS: 1 } }]);
  });

  test("a program that is not installed is a warning with what to install, and the rest goes on", async () => {
    const missing = "ping is not installed: apt-get install iputils-ping";
    const outside = new PlayedOutside((program) => {
      return program.command[0] === "ping" ? Promise.resolve({ stdout: "", stderr: "", missing }) : undefined;
    });
    const result = await runScenario(SCENARIO, { outside });
    expect(result.programs?.map(({ end }) => end)).toEqual(["stopped", "missing"]);
    expect(result.warnings).toEqual([`program first: ${missing}`]);
    expect(result.run.end).toBe("finished");
  });

  test("one that fails is told with its last words; stop interrupts; one whose time never came never started", async () => {
    const { server } = SCENARIO.programs!;
    const programs = {
      server: { ...server!, stop: "2s" as const },
      bad: { in: "left", run: "bad" },
      late: { in: "left", run: "late", start: "9s" as const },
    };
    const outside = new PlayedOutside((program) => {
      return program.command[0] === "bad"
        ? Promise.resolve({ exitCode: 2, stdout: "", stderr: "one\ntwo\n" })
        : undefined;
    });
    const result = await runScenario({ ...SCENARIO, programs, endWithPrograms: false }, { outside, until: 3e9 });
    expect(result.run.endedAt).toBe(3e9);
    expect(result.warnings).toEqual(["program bad ended with status 2: two"]);
    expect(result.programs).toMatchObject([
      { end: "stopped", signal: "SIGINT", endedAt: expect.closeTo(2e9, -8) as number },
      { end: "exited", exitCode: 2, errors: "one\ntwo\n" },
      { end: "not-started" },
    ]);
  });

  test("whoever interrupts the run interrupts them, and the result says so", async () => {
    const abort = new AbortController();
    const outside = new PlayedOutside((program) => {
      if (program.command[0] === "ping") setImmediate(() => abort.abort());
      return undefined;
    });
    const result = await runScenario(SCENARIO, { outside, signal: abort.signal });
    expect(result.run.end).toBe("aborted");
    expect(outside.stopped).toEqual(["server", "ping"]);
  });

  test("R11: without somebody to run them the run fails before time begins", async () => {
    const outside = new PlayedOutside(() => undefined);
    const bare = { open: outside.open.bind(outside), runInRealtime: outside.runInRealtime.bind(outside) };
    await expect(runScenario(SCENARIO, { outside: bare })).rejects.toMatchObject({ code: "ERR_NO_OUTSIDE" });
    expect(outside.closed).toBe(2);
  });

  test("no programs: the run lasts its time, and its result has none", async () => {
    const result = await runScenario({ ...SCENARIO, programs: {} }, { outside: new PlayedOutside(play), until: 1e9 });
    expect(result.run.endedAt).toBe(1e9);
    expect(result.programs).toBeUndefined();
  });
});
