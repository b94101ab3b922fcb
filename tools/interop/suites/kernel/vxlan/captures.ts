import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { check } from "../../../lib/suite.ts";
import { defineCases, type LabCase } from "./cases.ts";
import { FAR, NEAR_ADDRESS, type Lab } from "./lab.ts";
import { pingWell, start } from "../../../lib/netns-programs.ts";
import { withoutOffloads } from "./switches.ts";
import { transfer } from "./transfers.ts";
import { addressesOf, VARIANTS, type Variant } from "./variants.ts";

const run = promisify(execFile);
const BYTES = 1e6;
/** The share of the segments that a capture must hold to be judged: a socket of its own may lose some while the machine is busy. */
const SEEN = 0.9;
/** Ethernet's header and an MTU of 1500. */
const LONGEST_FRAME = 1514;

interface Place {
  readonly netns: string;
  readonly device: string;
}

/** What tshark saw in a capture. */
interface Seen {
  readonly frames: number;
  /** Frames with a TCP checksum that tshark verified. */
  readonly verified: number;
  readonly longest: number;
  readonly complaints: string;
}

/** Captures at all of `places` while `during` runs. */
async function capture(places: readonly Place[], during: () => Promise<unknown>): Promise<Seen[]> {
  const directory = await mkdtemp(join(tmpdir(), "seville-kernel-"));
  try {
    const files = places.map((_, i) => join(directory, `${i}.pcapng`));
    const dumps = places.map(({ netns, device }, i) => {
      return start(netns, ["dumpcap", "-q", "-i", device, "-B", "64", "-w", files[i] as string]);
    });
    for (const dump of dumps) await dump.printed("File:");
    await during();
    for (const dump of dumps) dump.stop("SIGINT");
    for (const dump of dumps) await dump.ended;
    return await Promise.all(files.map((file) => look(file)));
  } finally {
    await rm(directory, { recursive: true });
  }
}

const CHECKED = ["ip", "udp", "tcp", "icmp", "icmpv6"] as const;
/** `*.checksum.status` of tshark. */
const [BAD, GOOD] = ["0", "1"];

/** Every checksum at every level is verified. */
async function look(file: string): Promise<Seen> {
  const verify = ["ip", "udp", "tcp"].flatMap((protocol) => ["-o", `${protocol}.check_checksum:TRUE`]);
  const fields = ["frame.len", "_ws.malformed", ...CHECKED.map((protocol) => `${protocol}.checksum.status`)];
  const ports = VARIANTS.flatMap(({ port }) => ["-d", `udp.port==${port},vxlan`]);
  const words = ["-r", file, ...verify, ...ports, "-T", "fields", ...fields.flatMap((field) => ["-e", field])];
  const { stdout } = await run("tshark", words, { maxBuffer: 64 << 20 });
  const rows = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t"));
  const statuses = (row: readonly string[]): string[] => row.slice(2).flatMap((status) => status.split(","));
  const odd = rows.filter((row) => row[1] !== "" || statuses(row).includes(BAD));
  return {
    frames: rows.length,
    verified: rows.filter((row) => row[4]?.split(",").includes(GOOD) === true).length,
    longest: rows.reduce((longest, row) => Math.max(longest, Number(row[0])), 0),
    complaints: odd.map((row) => `${fields.join(" ")}: ${row.join(" ")}`).join("\n"),
  };
}

function judge(seen: readonly Seen[], least: number): string {
  for (const { frames, verified, longest, complaints } of seen) {
    const told = `${frames} frames, ${verified} TCP checksums verified, longest ${longest}\n${complaints.slice(0, 2000)}`;
    check(complaints === "", "no bad checksum, nothing malformed", told);
    check(verified >= least, `at least ${Math.ceil(least)} segments were seen`, told);
    check(longest <= LONGEST_FRAME, "no frame is longer than the link allows", told);
  }
  return seen.map(({ frames, verified }) => `${frames} frames (${verified} TCP checksums)`).join(", ") + ", all right";
}

/** Without offloads every frame is finished when it passes a TAP device, by us or by the kernel: all of them are checked. */
async function finished(lab: Lab, variant: Variant): Promise<string> {
  const { names } = lab;
  const places = [
    { netns: names.a, device: "tapa" },
    { netns: names.b, device: "tapb" },
  ];
  return withoutOffloads(lab, async () => {
    const seen = await capture(places, async () => {
      for (const family of [4, 6] as const) {
        const { kernel, behind } = addressesOf(variant, family);
        await pingWell(names.a, behind);
        await transfer(names.a, names.b, behind, BYTES);
        await transfer(names.b, names.a, kernel, BYTES);
      }
    });
    return judge(seen, (SEEN * 4 * BYTES) / 1448);
  });
}

/**
 * With offloads frames pass the TAP devices unfinished, and a capture there shows checksums that are yet to be computed. Behind A
 * and B are links where the kernel has to split our super-packets and to finish their checksums, by what our headers say: that is
 * where these captures are made.
 */
async function split(lab: Lab): Promise<string> {
  const { names } = lab;
  const { kernel } = addressesOf(FAR, 4);
  const places = [
    { netns: names.far, device: "veth" },
    { netns: names.near, device: "veth" },
  ];
  const seen = await capture(places, async () => {
    await pingWell(names.near, kernel);
    // From B, whose TCP hands us super-packets: wrapped by us, split by A's kernel.
    await transfer(names.b, names.far, kernel, BYTES);
    // From A's VXLAN: unwrapped by us, split by B's kernel.
    await transfer(names.a, names.near, NEAR_ADDRESS, BYTES);
  });
  return judge(seen, (SEEN * BYTES) / 1448);
}

export const captureCases: readonly LabCase[] = defineCases([
  ...VARIANTS.map((variant) => ({
    name: `no frame of a VXLAN ${variant.name} has a bad checksum, by tshark at both TAP devices (offloads off)`,
    quick: variant.number === 2,
    run: (lab: Lab) => finished(lab, variant),
  })),
  {
    name: "what the kernel splits from our super-packets, plain and in VXLAN, is right, by tshark behind it (offloads on)",
    quick: true,
    run: split,
  },
]);
