import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROFILES } from "@seville/netdev";
import { parseScenario, runScenario, type OffloadResult, type Scenario } from "@seville/scenario";
import { describe, expect, test } from "vitest";
import { testWith } from "../../../tools/testing/needs.ts";
import { NIC_PROFILES } from "../src/parts/devices.ts";
import { readFrame } from "../src/run/offloads/read-frame.ts";

const text = readFileSync(new URL("../scenarios/offload-matrix.yaml", import.meta.url), "utf8");

interface Matrix {
  readonly offloads: readonly OffloadResult[];
  readonly frames: readonly Uint8Array[];
}

let matrix: Promise<Matrix> | undefined;

/** The scenario's result and every frame on its wires, run once for this file. */
function runMatrix(): Promise<Matrix> {
  matrix ??= (async () => {
    const frames: Uint8Array[] = [];
    const result = await runScenario(scenarioOf(text), {
      setup(world) {
        for (const { link } of world.links.values()) {
          link.tap({
            frame(direction, point, frame) {
              if (direction === "aToB" && point === "sent") frames.push(frame.bytes().slice());
            },
          });
        }
      },
    });
    return { offloads: result.offloads ?? [], frames };
  })();
  return matrix;
}

function scenarioOf(yaml: string): Scenario {
  const { scenario, problems } = parseScenario(yaml);
  expect(problems).toEqual([]);
  if (scenario === undefined) throw new Error("not a scenario");
  return scenario;
}

async function cell(profile: string, via: string, inner: string): Promise<OffloadResult> {
  const { offloads } = await runMatrix();
  const found = offloads.find((o) => o.profile === profile && o.via === via && o.inner === inner);
  if (found === undefined) throw new Error(`${profile} ${via} ${inner} is missing`);
  return found;
}

const placesOf = (o: OffloadResult): string => o.checksums.map(({ header, place }) => `${header} ${place}`).join(", ");

test("S40 the matrix has every inner protocol in every tunnel through every class of NIC, and every frame is right", async () => {
  const { offloads } = await runMatrix();
  expect(offloads).toHaveLength(PROFILES.length * 7 * 6);
  expect(offloads.filter((o) => !o.right).map((o) => [o.profile, o.tunnel, o.inner, o.faults])).toEqual([]);
  expect(new Set(offloads.map((o) => o.profile))).toEqual(new Set(PROFILES.map(({ name }) => name)));
  for (const o of offloads) expect(o.frames).toBe(14);
});

describe("S41 where checksums are computed", () => {
  const tcp: readonly (readonly [profile: string, via: string, places: string, cutBy: string])[] = [
    ["none", "eth0", "tcp software", "software"],
    ["none", "vxlan-csum", "udp software, tcp software", "software"],
    ["ip-csum", "eth0", "tcp device", "software"],
    // It knows no tunnels: their inner checksum is the CPU's.
    ["ip-csum", "vxlan", "udp absent, tcp software", "software"],
    ["hw-csum", "vxlan", "udp absent, tcp device", "software"],
    // C24: the outer one from the headers alone, because the inner one is the device's.
    ["hw-csum", "vxlan-csum", "udp lco, tcp device", "software"],
    ["hw-csum", "gre-csum", "gre lco, tcp device", "software"],
    ["tso-no-tunnel", "eth0", "tcp device", "device"],
    ["tso-no-tunnel", "vxlan", "udp absent, tcp device", "software"],
    // S7: the headers are made once, for all segments.
    ["gso-partial", "vxlan-csum", "udp lco, tcp device", "partial"],
    ["tunnel-offload", "vxlan-csum", "udp device, tcp device", "device"],
    ["tunnel-offload", "gre-csum", "gre device, tcp device", "device"],
    ["tunnel-offload", "geneve", "udp absent, tcp device", "device"],
    // T14: two levels of headers are all that can be described; the rest is done first.
    ["tunnel-offload", "vxlan-vxlan", "udp device, udp software, tcp software", "software"],
  ];
  test.each(tcp)("TCP through %s in %s: %s, cut by %s", async (profile, via, places, cutBy) => {
    const found = await cell(profile, via, "tcp4");
    expect(placesOf(found)).toBe(places);
    expect(found.segmentation).toBe(cutBy);
  });

  test.each([
    ["none", "eth0", "sctp software"],
    ["hw-csum", "eth0", "sctp software"],
    ["tunnel-offload", "eth0", "sctp device"],
    ["tunnel-offload", "vxlan", "udp absent, sctp device"],
    // A CRC32c is no Internet checksum: the outer one cannot be had from it, so it is finished first (C26).
    ["tunnel-offload", "vxlan-csum", "udp software, sctp software"],
  ])("SCTP through %s in %s: %s", async (profile, via, places) => {
    expect(placesOf(await cell(profile, via, "sctp4"))).toBe(places);
  });

  test("IPv6 is no different, but for a NIC that knows IPv4 only", async () => {
    expect(placesOf(await cell("ip-csum", "eth0", "tcp6"))).toBe("tcp software");
    expect(placesOf(await cell("hw-csum", "vxlan-csum", "tcp6"))).toBe("udp lco, tcp device");
    expect(placesOf(await cell("tunnel-offload", "vxlan-csum", "udp6"))).toBe("udp device, udp device");
  });
});

describe("S42 what the CPU touches", () => {
  test("nothing of the payload where the device does it all", async () => {
    for (const via of ["eth0", "vxlan", "vxlan-csum", "gre", "gre-csum", "geneve"]) {
      expect(await cell("tunnel-offload", via, "tcp4")).toMatchObject({ cpuSummed: 0, cpuMoved: 0 });
    }
  });

  test("with local checksum offload headers only; without, an outer checksum costs the payload again", async () => {
    const lco = await cell("hw-csum", "vxlan-csum", "tcp4");
    const plain = await cell("hw-csum", "vxlan", "tcp4");
    expect(lco.cpuSummed - plain.cpuSummed).toBeLessThan(100);
    const software = await cell("none", "vxlan-csum", "sctp4");
    const without = await cell("none", "vxlan", "sctp4");
    expect(software.cpuSummed - without.cpuSummed).toBeGreaterThan(1200);
  });

  test("the device reads what it sums", async () => {
    expect((await cell("none", "eth0", "tcp4")).deviceSummed).toBe(0);
    // 14 segments: their payload and headers, and the pseudo-header where the hardware makes it.
    const { deviceSummed } = await cell("hw-csum", "eth0", "tcp4");
    expect(deviceSummed).toBe(16_000 + 14 * 20);
  });
});

describe("S46 who verifies on receipt", () => {
  const rows: readonly (readonly [profile: string, via: string, inner: string, report: string, by: string])[] = [
    // C9: it says nothing, and the CPU sums.
    ["none", "eth0", "tcp4", "none", "software"],
    // C14: what is inside a checksum that was verified is known, without a look at it.
    ["none", "vxlan-csum", "tcp4", "none", "software, known"],
    ["none", "vxlan", "tcp4", "none", "absent, software"],
    // C12: one sum serves every level.
    ["hw-csum", "vxlan-csum", "tcp6", "complete", "complete, complete"],
    ["hw-csum", "vxlan-vxlan", "udp4", "complete", "complete, complete, complete"],
    // But it says nothing about a CRC.
    ["hw-csum", "eth0", "sctp4", "none", "software"],
    ["hw-csum", "vxlan-csum", "sctp4", "complete", "complete, software"],
    // C10: levels from the outside inwards.
    ["tunnel-offload", "eth0", "tcp4", "unnecessary 0", "device"],
    ["tunnel-offload", "vxlan-csum", "tcp4", "unnecessary 1", "device, device"],
    ["tunnel-offload", "gre-csum", "sctp4", "unnecessary 1", "device, device"],
    // Two levels are all that its parser looks into; the third is known from the second.
    ["tunnel-offload", "vxlan-vxlan", "tcp4", "unnecessary 1", "device, device, known"],
    // "The inner one only" cannot be said unless nothing is outside of it.
    ["inner-only-rx", "vxlan", "tcp4", "unnecessary 1", "absent, device"],
    ["inner-only-rx", "vxlan-csum", "tcp4", "none", "software, known"],
    ["inner-only-rx", "eth0", "tcp4", "none", "software"],
    ["outer-only-rx", "eth0", "tcp4", "unnecessary 0", "device"],
    ["outer-only-rx", "vxlan-csum", "tcp4", "unnecessary 0", "device, known"],
    ["outer-only-rx", "vxlan", "tcp4", "none", "absent, software"],
    ["outer-only-rx", "vxlan-csum", "sctp4", "unnecessary 0", "device, software"],
  ];

  test.each(rows)("%s, %s, %s: %s; %s", async (profile, via, inner, report, by) => {
    const { receipt } = await cell(profile, via, inner);
    expect(receipt?.profile).toBe(profile);
    const level = receipt?.report === "unnecessary" ? ` ${receipt.csumLevel}` : "";
    expect(`${receipt?.report}${level}`).toBe(report);
    expect(receipt?.checksums.map((one) => one.by).join(", ")).toBe(by);
  });

  test("everything is delivered, and nothing that nobody has verified", async () => {
    const { offloads } = await runMatrix();
    for (const { profile, via, inner, receipt, payload, checksums } of offloads) {
      const cellName = `${profile} ${via} ${inner}`;
      expect(receipt?.delivered, cellName).toBe(payload);
      expect(
        receipt?.checksums.map(({ by }) => by),
        cellName,
      ).not.toContain("nobody");
      expect(
        receipt?.checksums.map(({ header }) => header),
        cellName,
      ).toEqual(checksums.map(({ header }) => header));
    }
  });

  test("what the CPU reads follows: nothing, headers, or the payload once for each checksum that is its own", async () => {
    const read = async (profile: string, via: string, inner: string): Promise<number> =>
      (await cell(profile, via, inner)).receipt?.cpuSummed ?? NaN;
    expect(await read("tunnel-offload", "vxlan-csum", "tcp4")).toBe(0);
    expect(await read("hw-csum", "vxlan-csum", "tcp4")).toBeLessThan(2000);
    expect(await read("outer-only-rx", "vxlan-csum", "tcp4")).toBeLessThan(1000);
    expect(await read("inner-only-rx", "vxlan-csum", "tcp4")).toBeGreaterThan(16_000);
    expect(await read("inner-only-rx", "vxlan-csum", "tcp4")).toBeLessThan(20_000);
    expect(await read("none", "vxlan-csum", "sctp4")).toBeGreaterThan(32_000);
  });
});

describe("S47 the trap of a NIC that parses (scenarios/offload-traps.yaml)", () => {
  const traps = readFileSync(new URL("../scenarios/offload-traps.yaml", import.meta.url), "utf8");

  test("under its own driver, which compares, every frame is right and arrives", async () => {
    const { offloads = [] } = await runScenario(scenarioOf(traps));
    const checking = offloads.filter((o) => o.careless !== true);
    expect(checking).toHaveLength(8);
    for (const { right, receipt } of checking) expect([right, receipt?.delivered]).toEqual([true, 16_000]);
  });

  test("a careless driver's frames are wrong on the wire, found wrong there, and delivered to nobody", async () => {
    const { offloads = [], warnings } = await runScenario(scenarioOf(traps));
    const careless = offloads.filter((o) => o.careless === true);
    const wrong = careless.filter(({ right }) => !right);
    expect(wrong.map(({ via, inner }) => `${via} ${inner}`)).toEqual([
      "vxlan-8472 tcp4",
      "vxlan-8472 udp4",
      "vxlan-vxlan tcp4",
      "vxlan-vxlan udp4",
    ]);
    for (const { faults, receipt } of wrong) {
      expect(faults).not.toEqual([]);
      expect(receipt?.delivered).toBe(0);
    }
    // D3: asked for the outermost checksum, it "finished" the one in the middle again.
    const doubled = wrong.find(({ via }) => via === "vxlan-vxlan");
    expect(doubled?.faults).toEqual(["wrong checksum of udp"]);
    expect(doubled?.receipt?.checksums[0]).toEqual({ header: "udp", by: "bad" });
    // Where its parser finds what is meant, it is right.
    expect(careless.filter(({ via }) => via === "eth0" || via === "vxlan").every(({ right }) => right)).toBe(true);
    expect(warnings).toEqual([]);
  });
});

describe("S48 a NIC with a switch in it (scenarios/embedded-switch.yaml)", () => {
  const yaml = readFileSync(new URL("../scenarios/embedded-switch.yaml", import.meta.url), "utf8");

  test("functions reach each other, their host and the outside; each port counts apart", async () => {
    const result = await runScenario(scenarioOf(yaml));
    expect(result.flows.map(({ name, received }) => [name, received])).toEqual([
      ["inside", 300],
      ["out", 200],
      ["in", 100],
    ]);
    expect(result.pings.map(({ received }) => received)).toEqual([5, 5]);
    const [nic, ...others] = result.embeddedSwitches ?? [];
    expect(others).toEqual([]);
    expect(nic).toMatchObject({ nic: "host:eth0", mode: "veb" });
    expect(nic?.ports.map(({ port }) => port)).toEqual(["uplink", "host:eth0", "guest1:vf0", "guest2:vf0"]);
    const [uplink, host, guest1, guest2] = nic?.ports ?? [];
    // 300 datagrams and 5 pings of guest1 stayed inside, with the neighbour's solicitations.
    expect(guest1?.local).toBeGreaterThanOrEqual(305);
    expect(guest2?.tx_unicast).toBeGreaterThanOrEqual(300);
    // The wire's counters do not show them: 200 out, 100 in, 5 pings each way.
    expect(uplink?.tx_unicast).toBeLessThan(220);
    expect(uplink?.rx_unicast).toBeLessThan(115);
    expect(host?.spoofed).toBe(0);
    const wire = result.links.find(({ from }) => from === "host:eth0");
    expect(wire?.delivered).toBe((uplink?.tx_unicast ?? 0) + (uplink?.tx_multicast ?? 0));
  });

  test("as a VEPA everything goes to the wire, where nobody sends it back", async () => {
    const vepa = yaml.replace("{ spoofCheck: true }", "{ mode: vepa }");
    const result = await runScenario(scenarioOf(vepa));
    expect(result.flows.map(({ received }) => received)).toEqual([0, 200, 100]);
    expect(result.embeddedSwitches?.[0]?.ports.map(({ local }) => local)).toEqual([0, 0, 0, 0]);
  });

  test("a virtual function may be described before its NIC", async () => {
    const first = yaml.replace(/ {2}host:\n[\s\S]*?(?= {2}guest1)/, "");
    const host = / {2}host:\n[\s\S]*?(?= {2}guest1)/.exec(yaml)?.[0] ?? "";
    const turned = first.replace("  outside:", `${host}  outside:`);
    const result = await runScenario(scenarioOf(turned));
    expect(result.flows.map(({ received }) => received)).toEqual([300, 200, 100]);
  });

  const wrong: readonly (readonly [string, (text: string) => string, RegExp])[] = [
    ["of a NIC without a switch", (y) => y.replace('vf: "host:eth0"', 'vf: "outside:eth0"'), /has no switch in it/],
    ["of nobody", (y) => y.replace('vf: "host:eth0"', 'vf: "hst:eth0"'), /hst/],
    ["that is a nic itself", (y) => y.replace('vf: "host:eth0"', 'vf: "host:eth0", nic: none'), /no nic and no tunnel/],
    [
      "at a link",
      (y) => y.replace("[host:eth0, outside:eth0]", "[guest1:vf0, outside:eth0]"),
      /has no cable|at no link/,
    ],
  ];
  test.each(wrong)("a function %s is refused", (_name, change, message) => {
    const changed = change(yaml);
    expect(changed).not.toBe(yaml);
    expect(
      parseScenario(changed)
        .problems.map((problem) => problem.message)
        .join("\n"),
    ).toMatch(message);
  });

  test("a switch in a NIC that has none, and a driver of nothing, are refused", () => {
    const noSwitch = yaml.replace("nic: embedded-switch, ", "nic: hw-csum, ");
    expect(parseScenario(noSwitch).problems.map(({ message }) => message)).toContain(
      "there is no switch in it: its nic is not embedded-switch",
    );
    const noNic = yaml.replace("nic: tunnel-offload, ", "driver: careless, ");
    expect(parseScenario(noNic).problems.map(({ message }) => message)).toContain(
      "there is nothing to drive: the interface has no nic",
    );
  });
});

describe("S43 the reader of frames finds what is wrong", () => {
  test("any byte behind the Ethernet header that is flipped shows, but where no checksum covers it", async () => {
    const { frames } = await runMatrix();
    const samples = frames.filter((frame) => readFrame(frame).faults.length === 0 && frame.length > 1000);
    expect(samples.length).toBeGreaterThan(3500);
    for (let i = 0; i < 400; i++) {
      const frame = (samples[(i * 7919) % samples.length] as Uint8Array).slice();
      const { payloadAt, payloadEnd } = readFrame(frame);
      const at = payloadAt + ((i * 131) % (payloadEnd - payloadAt));
      frame[at] = (frame[at] as number) ^ (1 + (i % 255));
      expect(readFrame(frame).faults).not.toEqual([]);
    }
  });

  test("a frame that is cut anywhere is no frame", async () => {
    const { frames } = await runMatrix();
    for (const frame of frames.slice(300, 340)) {
      for (let length = 0; length < frame.length; length += 13) {
        expect(readFrame(frame.subarray(0, length)).faults).not.toEqual([]);
      }
    }
  });

  testWith(["tshark"], "tshark agrees with it about every frame", async () => {
    const { frames } = await runMatrix();
    expect(complaints(frames)).toEqual([]);
  });
});

describe("S44 NICs and tunnels in scenario files", () => {
  const pair = (extra: { a?: string; b?: string; tail?: string } = {}): string => `
name: pair
duration: 4s
hosts:
  a:
    interfaces:
      eth0: { nic: tunnel-offload, addresses: [10.0.0.1/24]${extra.a ?? ""} }
      tun: { tunnel: { kind: gre, local: 10.0.0.1, remote: 10.0.0.2, key: 3 }, addresses: [10.1.0.1/24] }
  b:
    interfaces:
      eth0: { nic: hw-csum, addresses: [10.0.0.2/24]${extra.b ?? ""} }
      tun: { tunnel: { kind: gre, local: 10.0.0.2, remote: 10.0.0.1, key: 3 }, addresses: [10.1.0.2/24] }
links:
  wire: { between: [a:eth0, b:eth0] }
traffic:
  ping: { ping: { from: a, to: b:tun, count: 3, interval: 100ms }, start: 1s }
${extra.tail ?? ""}`;

  test("ping goes through a tunnel between two NICs", async () => {
    const result = await runScenario(scenarioOf(pair()));
    expect(result.pings).toMatchObject([{ transmitted: 3, received: 3 }]);
    expect(result.offloads).toBeUndefined();
    const tunnel = result.interfaces.find(({ host, name }) => host === "a" && name === "tun");
    expect(tunnel?.rxPackets).toBeGreaterThanOrEqual(3);
    expect(tunnel).toMatchObject({ txErrors: 0, rxErrors: 0 });
  });

  test("features are switched from the beginning and on the way; the kernel's words stand in the result", async () => {
    const tail =
      "timeline:\n  - { at: 2s, ethtool: { interface: b:eth0, features: { rx-udp-gro-forwarding: true, lro: true } } }";
    const result = await runScenario(scenarioOf(pair({ a: ", features: { sg: false }", tail })));
    expect(result.warnings).toContain("a:eth0: Dropping TSO features since no SG feature.");
    expect(result.warnings).toContain("b:eth0: LRO could not be switched on");
    expect(result.events).toMatchObject([{ label: "b:eth0 rx-udp-gro-forwarding on, lro on" }]);
  });

  test("an unknown feature ends the run with its name", async () => {
    await expect(runScenario(scenarioOf(pair({ a: ", features: { warp: true }" })))).rejects.toThrow(/"warp"/);
  });

  test("the profiles are those of the device model", () => {
    expect(NIC_PROFILES).toEqual(PROFILES.map(({ name }) => name));
  });

  const wrong: readonly (readonly [string, (yaml: string) => string, RegExp])[] = [
    ["features without a nic", (y) => y.replace("nic: hw-csum, ", "features: { tso: false }, "), /has no nic/],
    ["a tunnel at a link", (y) => y.replace("[a:eth0, b:eth0]", "[a:tun, b:eth0]"), /has no cable/],
    ["ends of two families", (y) => y.replace("remote: 10.0.0.2", 'remote: "fd00::2"'), /another family/],
    ["no VNI", (y) => y.replaceAll("kind: gre", "kind: vxlan").replaceAll(", key: 3", ""), /needs an id/],
    ["a key that the kind does not know", (y) => y.replaceAll("kind: gre", "kind: ipip"), /ipip knows no key/],
    [
      "SIT over IPv6",
      (y) =>
        y.replace(
          "kind: gre, local: 10.0.0.1, remote: 10.0.0.2, key: 3",
          'kind: sit, local: "fd00::1", remote: "fd00::2"',
        ),
      /over IPv4/,
    ],
    ["a dev that is not there", (y) => y.replace("key: 3 }", "key: 3, dev: eth7 }"), /no interface eth7/],
    [
      "an address that is none",
      (y) => y.replace("local: 10.0.0.1", "local: 10.0.0.1000"),
      /10.0.0.1000 is not an IP address/,
    ],
    ["a profile that is none", (y) => y.replace("hw-csum", "hw-sum"), /hw-sum|one of/],
    [
      "super-packets by a plain NIC",
      (y) =>
        `${y.replace("nic: tunnel-offload, ", "")}  super: { superPackets: { from: a, to: b, via: [tun], inner: [tcp4] } }\n`,
      /what its hardware does is the question/,
    ],
    [
      "super-packets by nobody, through nothing",
      (y) => `${y}  super: { superPackets: { from: c, to: b, via: [tux], inner: [tcp4] } }\n`,
      /no host c[\s\S]*no interface tux/,
    ],
    [
      "ethtool for what has nothing to switch",
      (y) => `${y}timeline:\n  - { at: 1s, ethtool: { interface: a:tun, features: { tso: false } } }\n`,
      /a:tun has no nic/,
    ],
  ];
  test.each(wrong)("%s is refused", (_name, change, message) => {
    const changed = change(pair());
    expect(changed).not.toBe(pair());
    expect(
      parseScenario(changed)
        .problems.map((problem) => problem.message)
        .join("\n"),
    ).toMatch(message);
  });
});

/** What tshark holds against frames. */
function complaints(frames: readonly Uint8Array[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), "seville-matrix-"));
  try {
    const file = join(directory, "wire.pcap");
    const parts: Uint8Array[] = [Buffer.from("d4c3b2a1020004000000000000000000000004000100000000".slice(0, 48), "hex")];
    for (const frame of frames) {
      const header = Buffer.alloc(16);
      header.writeUInt32LE(frame.length, 8);
      header.writeUInt32LE(frame.length, 12);
      parts.push(header, frame);
    }
    writeFileSync(file, Buffer.concat(parts));
    const checks = ["ip.check_checksum", "udp.check_checksum", "tcp.check_checksum"];
    const options = [...checks.flatMap((name) => ["-o", `${name}:TRUE`]), "-o", "sctp.checksum:TRUE"];
    const wrong = ["ip", "udp", "tcp", "gre", "sctp"].map((name) => `${name}.checksum.status == 0`);
    const filter = ["_ws.malformed", ...wrong].join(" || ");
    // The payload is nobody's protocol: tshark shall not guess one by the ports.
    const decode = ["udp.port==9000,data", "tcp.port==9000,data"].flatMap((rule) => ["-d", rule]);
    const out = execFileSync("tshark", ["-r", file, ...decode, ...options, "-Y", filter], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      maxBuffer: 1 << 26,
    });
    return out.split("\n").filter((line) => line !== "");
  } finally {
    rmSync(directory, { recursive: true });
  }
}
