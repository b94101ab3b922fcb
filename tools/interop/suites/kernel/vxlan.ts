import { execFileSync } from "node:child_process";
import { missing } from "../../../testing/needs.ts";
import type { Suite } from "../../lib/suite.ts";
import { captureCases } from "./vxlan/captures.ts";
import { datagramCases } from "./vxlan/datagram-cases.ts";
import { openLab, type Lab } from "./vxlan/lab.ts";
import { lastCases } from "./vxlan/last.ts";
import { mtuCases } from "./vxlan/mtu.ts";
import { olderCases } from "./vxlan/older.ts";
import { pingCases } from "./vxlan/ping-cases.ts";
import { throughputCases } from "./vxlan/throughput.ts";
import { transferCases } from "./vxlan/transfers.ts";

/**
 * The host's own kernel on both sides of us, by two TAP devices with IFF_VNET_HDR: it ends a VXLAN on the one, we end it in the
 * middle, and on the other it has plain IP. Its super-packets go through us unsplit in both directions.
 */
export const suite: Suite<Lab> = {
  missing: () => missing("linux", "root", "tun", "ip", "ping", "iperf3", "ethtool", "tshark") ?? vxlanFault(),
  start: () => openLab(),
  cases: [
    ...pingCases,
    ...transferCases,
    ...datagramCases,
    ...mtuCases,
    ...captureCases,
    ...throughputCases,
    ...olderCases,
    ...lastCases,
  ],
  stop: (lab) => lab.close(),
};

/** Whether this kernel has VXLAN, which only trying tells: it may be a module that is not loaded yet. */
function vxlanFault(): string | undefined {
  const netns = `svkprobe${process.pid}`;
  const ip = (...words: readonly string[]): void => void execFileSync("ip", words, { stdio: "ignore" });
  try {
    ip("netns", "add", netns);
  } catch {
    return "network namespaces cannot be made here";
  }
  try {
    ip("-n", netns, "link", "add", "vx0", "type", "vxlan", "id", "1", "dstport", "4789");
    return undefined;
  } catch {
    return "this kernel has no VXLAN";
  } finally {
    ip("netns", "del", netns);
  }
}
