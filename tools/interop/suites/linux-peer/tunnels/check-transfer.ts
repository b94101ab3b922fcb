import { check } from "../../../lib/suite.ts";
import { INNER } from "./addresses.ts";
import { guestCounters } from "./counters.ts";
import { inWorld } from "./site.ts";
import { ourCounters } from "./counters.ts";
import type { LiveTunnel } from "./tunnel.ts";

const NAMES = ["rx_errors", "tx_errors", "rx_dropped", "tx_dropped", "collisions"] as const;

/** The guest sends a file to its other namespace by TCP: into one tunnel, through our router, out of the other. */
export async function checkTransfer(tunnel: LiveTunnel): Promise<string> {
  const { spec, site } = tunnel;
  const { guest, world, near, far } = { ...site, ...tunnel };
  const told: string[] = [];
  const before = await inWorld(world, () => far.stats.tx_packets);
  for (const family of spec.inner) {
    const to = family === 4 ? INNER.far.guest[4] : `[${INNER.far.guest[6]}]`;
    const listen = family === 4 ? "TCP4-LISTEN" : "TCP6-LISTEN";
    await guest.expect(
      `rm -f /run/got; ip netns exec far socat -u ${listen}:9000,reuseaddr CREATE:/run/got & ` +
        `for i in $(seq 100); do ip netns exec far ss -ltn | grep -q :9000 && break; sleep 0.05; done`,
    );
    const text = await guest.expect(
      `read s rest </proc/uptime; timeout 40 socat -u FILE:/run/blob TCP:${to}:9000 && wait $!; read e rest </proc/uptime; ` +
        `sha256sum </run/blob; sha256sum </run/got; echo $s $e`,
      60_000,
    );
    const [sent, got, times = ""] = text.trim().split("\n");
    const [from = 0, until = 0] = times.split(" ").map(Number);
    check(sent === got, `the same bytes by TCP over IPv${family}`, text);
    told.push(`IPv${family} 400 kB in ${((until - from) * 1000).toFixed(0)} ms`);
  }
  const frames = (await inWorld(world, () => far.stats.tx_packets)) - before;
  check(frames > 250, "the file went through our tunnel", `${frames} packets`);
  const counters = [
    ["the kernel's near", await guestCounters(guest)],
    ["the kernel's far", await guestCounters(guest, true)],
    ["our near", await inWorld(world, () => ourCounters(near))],
    ["our far", await inWorld(world, () => ourCounters(far))],
  ] as const;
  for (const [who, stats] of counters) {
    const wrong = NAMES.filter((name) => stats[name] !== 0).map((name) => `${name} ${stats[name]}`);
    check(wrong.length === 0, `no error of ${who} device`, wrong.join(", "));
  }
  return `${told.join(", ")}; no error at any of the four devices`;
}
