/**
 * The worked packets of docs/checksum-offloads.md: every block is made again from its first line, by the NIC that it
 * names, and must come out as it is printed there. `UPDATE_DOCS=1` writes them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import {
  CHECKSUM_PARTIAL,
  SKB_GSO_FRAGLIST,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  SKB_GSO_UDP_L4,
  SKB_GSO_UDP_TUNNEL_CSUM,
  type Packet,
} from "@seville/packet";
import { describe, expect, test } from "vitest";
import { testWith } from "../../../tools/testing/needs.ts";
import { FeatureSet, GSO_ENCAP_ALL, profileOf, type NicProfile } from "../src/index.ts";
import { requestPacket, wireFrames, type Request } from "./support/requests.ts";
import { tsharkVerdicts } from "./support/tshark.ts";
import { faultsOf } from "./support/verify-frame.ts";
import { World } from "./support/world.ts";

const PAGE = new URL("../docs/checksum-offloads.md", import.meta.url);
const BLOCK = /```worked\n([^\n]*)\n([\s\S]*?)```/g;
const page = readFileSync(PAGE, "utf8");
const blocks = [...page.matchAll(BLOCK)].map(([, command, body]) => ({ command: command!, body: body! }));

const STATES = ["NONE", "UNNECESSARY", "COMPLETE", "PARTIAL"] as const;

interface Worked {
  readonly text: string;
  readonly wire: readonly Uint8Array[];
}

/** `[careless] PROFILE sends REQUEST`, `PROFILE receives [damaged] REQUEST` or `PROFILE merges FEATURE REQUEST`. */
function work(command: string): Worked {
  const match = /^(careless )?(\S+) (sends|receives|merges)( \S+)? (\{.*\})$/.exec(command);
  if (match === null) throw new Error(`not a worked packet: ${command}`);
  const [, isCareless, name, verb, how, json] = match;
  const request = JSON.parse(json!) as Request;
  const profile = isCareless === undefined ? profileOf(name!) : careless(profileOf(name!));
  if (verb === "merges") return merges(profile, how!.trim(), request);
  return verb === "sends" ? sends(profile, request) : receives(profile, request, how === " damaged");
}

const KINDS = Object.entries({
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  SKB_GSO_UDP_L4,
  SKB_GSO_UDP_TUNNEL_CSUM,
  SKB_GSO_FRAGLIST,
});

/** What comes up of frames that arrive in one poll, with `feature` on. */
function merges(profile: NicProfile, feature: string, request: Request): Worked {
  const world = new World();
  const reports: string[] = [];
  const nic = world.nic("b", {
    profile,
    receive: (packet) => {
      const { gsoSize, gsoSegs, gsoType, fragList, ipSummed, data } = packet;
      const pieces = 1 + (fragList?.length ?? 0);
      const kinds = KINDS.filter(([, bit]) => (gsoType & bit) !== 0).map(([kind]) => kind);
      packet.linearize();
      const start = ipSummed === CHECKSUM_PARTIAL ? `, csum_start ${packet.csumStart - data}` : "";
      const described =
        gsoSize === 0 ? "" : `, gso_size ${gsoSize}, gso_segs ${gsoSegs}, ${kinds.join(" ") || "no gso_type"}`;
      reports.push(
        `stack  ${hex(packet.bytes())}`,
        `       in ${pieces}, CHECKSUM_${STATES[ipSummed]}${start}${described}`,
      );
      packet.release();
    },
  });
  nic.setCoalesce({ usecs: 50, frames: 0 });
  nic.setFeature(feature, true);
  const wire = wireFrames(request);
  for (const frame of wire) world.link.a.send(world.pool.from(frame)!);
  world.run();
  world.close();
  return { text: [...wire.map((frame) => `wire   ${hex(frame)}`), ...reports, ""].join("\n"), wire };
}

function sends(profile: NicProfile, request: Request): Worked {
  const world = new World();
  const nic = world.nic("a", { profile });
  const packet = requestPacket(world.pool, request);
  const lines = [`stack  ${hex(packet.bytes())}`, `       ${asked(packet)}`];
  world.send(nic, packet);
  const wire = [...world.wire];
  world.close();
  for (const frame of wire) lines.push(`wire   ${hex(frame)}`, `       ${judged(frame)}`);
  return { text: `${lines.join("\n")}\n`, wire };
}

function receives(profile: NicProfile, request: Request, damaged: boolean): Worked {
  const world = new World();
  let report = "";
  const nic = world.nic("b", {
    profile,
    receive: (packet) => {
      const { ipSummed, csumLevel, csum } = packet;
      const more = {
        NONE: "",
        UNNECESSARY: `, csum_level ${csumLevel}`,
        COMPLETE: `, csum 0x${folded(csum)}`,
        PARTIAL: "",
      };
      const state = STATES[ipSummed];
      report = `CHECKSUM_${state}${more[state]}`;
      packet.release();
    },
  });
  nic.setFeature("gro", false);
  const frame = wireFrames(request)[0]!;
  if (damaged) frame[frame.length - 1]! ^= 1;
  world.link.a.send(world.pool.from(frame)!);
  world.run();
  world.close();
  return { text: `wire   ${hex(frame)}\nstack  ${report}\n`, wire: damaged ? [] : [frame] };
}

function asked(packet: Packet): string {
  const { data, csumStart, csumOffset, gsoSize, gsoSegs, pool } = packet;
  if (packet.ipSummed !== CHECKSUM_PARTIAL) return "asks for no checksum";
  const field = hex(
    pool.memory.u8.slice(csumStart + csumOffset, csumStart + csumOffset + (packet.csumNotInet ? 4 : 2)),
  );
  const super_ = gsoSize === 0 ? "" : `, gso_size ${gsoSize}, gso_segs ${gsoSegs}`;
  return `csum_start ${csumStart - data}, csum_offset ${csumOffset}, there: ${field}${super_}`;
}

function judged(frame: Uint8Array): string {
  const faults = faultsOf(frame);
  return faults.length === 0 ? "right" : `WRONG: ${faults.join("; ")}`;
}

function careless(profile: NicProfile): NicProfile {
  const anything = FeatureSet.of("SG", "HW_CSUM", "TSO", "TSO6", "TSO_ECN", "SCTP_CRC", "GSO_UDP_L4").with(
    GSO_ENCAP_ALL,
  );
  const { name, summary, silicon } = profile;
  return {
    name,
    summary,
    silicon,
    hwFeatures: anything,
    features: anything,
    hwEncFeatures: anything,
    vlanFeatures: anything,
    mplsFeatures: anything,
    gsoPartialFeatures: FeatureSet.NONE,
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function folded(sum: number): string {
  let value = sum;
  while (value > 0xffff) value = (value & 0xffff) + Math.floor(value / 0x1_0000);
  return value.toString(16).padStart(4, "0");
}

if (process.env["UPDATE_DOCS"] === "1") {
  writeFileSync(
    PAGE,
    page.replace(BLOCK, (_all, command: string) => `\`\`\`worked\n${command}\n${work(command).text}\`\`\``),
  );
}

describe("D10 docs/checksum-offloads.md", () => {
  test.each(blocks)("$command", ({ command, body }) => {
    expect(work(command).text).toBe(body);
  });

  test("what is called careless is wrong, and nothing else is", () => {
    expect(blocks.length).toBeGreaterThan(10);
    for (const { command } of blocks.filter((block) => block.command.includes(" sends "))) {
      const faults = work(command).wire.flatMap((frame) => faultsOf(frame));
      expect(`${command}: ${faults.length > 0}`).toBe(`${command}: ${command.startsWith("careless")}`);
    }
  });

  test("every checksum and segmentation flag has its worked packet", () => {
    const flags = ["HW_CSUM", "IP_CSUM", "IPV6_CSUM", "SCTP_CRC", "RXCSUM", "TSO", "TSO6", "TSO_ECN", "TSO_MANGLEID"];
    const tunnels = ["GSO_UDP_L4", "GSO_UDP_TUNNEL", "GSO_UDP_TUNNEL_CSUM", "GSO_GRE", "GSO_GRE_CSUM", "GSO_PARTIAL"];
    const sections = page.split(/^### /m).slice(1);
    const receiving = ["GRO", "GRO_HW", "LRO", "GRO_UDP_FWD", "GRO_FRAGLIST"];
    for (const flag of [...flags, ...tunnels, "GSO_IPXIP4", ...receiving]) {
      const section = sections.find((text) =>
        text
          .split("\n")[0]!
          .split(/[^A-Z0-9_]+/)
          .includes(`NETIF_F_${flag}`),
      );
      expect(section, flag).toBeDefined();
      expect(section, flag).toMatch(/```worked/);
    }
  });
});

testWith(["tshark"], "D10 tshark judges the worked packets as the page does", () => {
  const frames = blocks.flatMap(({ command }) => [...work(command).wire]);
  for (const [i, { bad, malformed }] of tsharkVerdicts(frames).entries()) {
    const isWrong = faultsOf(frames[i]!).length > 0;
    // Payloads of a few random bytes may look like some protocol to Wireshark, and a malformed one.
    expect(`${hex(frames[i]!)} ${isWrong ? bad > 0 || malformed : bad > 0}`).toBe(`${hex(frames[i]!)} ${isWrong}`);
  }
});
