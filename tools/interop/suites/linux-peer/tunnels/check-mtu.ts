import { setTimeout as sleep } from "node:timers/promises";
import { check } from "../../../lib/suite.ts";
import { ping } from "../basic/ping.ts";
import { keepsWhole } from "../../../../../packages/stack/src/tunnel/too-big.ts";
import { INNER, parse, UNDERLAY_MTU } from "./addresses.ts";
import { inWorld } from "./site.ts";
import { guestArrivals, newMark, sendFromGuest, sendFromOurs, type Datagram } from "./sink.ts";
import { innerOf, roomIn, type LiveTunnel } from "./tunnel.ts";
import { is6to4 } from "./tunnel-spec.ts";

/** How much larger than the path's the MTU of the devices is made: so the tunnel itself must find out. */
const MORE = 60;
/** Long enough for an ICMP error to come back, seconds. */
const PAUSE = 0.04;

/** What came of a packet that fills the path, of one that is longer by a byte, and of the next packet of that length. */
interface Edge {
  readonly fits: boolean;
  readonly longerArrives: boolean;
  readonly errorAfterwards: boolean;
}

/**
 * The devices' MTU is raised beyond what the path carries. Then of packets with DF the largest that fits passes; one byte more does what it
 * does at the kernel's end; and a packet from near that is too long for far's tunnel brings the ICMP from us, with the right MTU.
 */
export async function checkMtu(tunnel: LiveTunnel): Promise<string> {
  const { spec, site } = tunnel;
  const told: string[] = [];
  const room = roomIn(tunnel, "near");
  await raiseMtu(tunnel);
  for (const family of spec.inner) {
    const kernel = await edge(tunnel, "guest", family, room);
    const ours = await edge(tunnel, "ours", family, room);
    check(kernel.fits && ours.fits, `${room} bytes of IPv${family} pass`, JSON.stringify({ kernel, ours }));
    const expected = spec.kernelIsSilent === true ? { ...kernel, errorAfterwards: true } : kernel;
    check(
      JSON.stringify(ours) === JSON.stringify(expected),
      `${room + 1} bytes of IPv${family} end alike`,
      JSON.stringify({ kernel, ours }),
    );
    // A tunnel that fragments what it wraps tells nobody; that both do so was seen above.
    if (kernel.errorAfterwards) {
      const learned = await kernelMtu(tunnel, family);
      check(learned === room, `the kernel's tunnel says that ${room} bytes fit`, String(learned));
      const mine = await ourMtu(tunnel, family);
      check(mine === room, `ours says that ${room} bytes fit`, String(mine));
    }
    told.push(`IPv${family}: ${room}`);
    if (is6to4(spec)) continue;
    told.push(await forwarded(tunnel, family));
  }
  await site.guest.run("ip route flush cache; ip -6 route flush cache");
  return told.join(", ");
}

async function raiseMtu(tunnel: LiveTunnel): Promise<void> {
  const { site, near, far } = tunnel;
  const more = roomIn(tunnel, "near") + MORE;
  await inWorld(site.world, () => {
    for (const iface of [near, far]) site.host.interfaces.setMtu(iface, more);
  });
  await site.guest.expect(`ip link set t0 mtu ${more} && ip route flush cache`);
}

async function edge(tunnel: LiveTunnel, sender: "guest" | "ours", family: 4 | 6, room: number): Promise<Edge> {
  const { spec, site } = tunnel;
  const { guest, world, sink } = site;
  const to = innerOf(spec, sender === "guest" ? "ours" : "guest", family);
  const [fitting, longer, again] = [room, room + 1, room + 1].map((length): Datagram => ({
    mark: newMark(),
    to,
    df: true,
    length,
  })) as [Datagram, Datagram, Datagram];
  const all = [fitting, longer, again];
  const failed = sender === "guest" ? await sendFromGuest(guest, all, PAUSE) : await sendEach(tunnel, all);
  await sleep(2 * PAUSE * 1000);
  const marks = [fitting.mark, longer.mark];
  const arrived = new Set(
    (sender === "guest" ? await inWorld(world, () => [...sink.arrivals]) : await guestArrivals(guest, marks)).map(
      ({ mark }) => mark,
    ),
  );
  return {
    fits: arrived.has(fitting.mark),
    longerArrives: arrived.has(longer.mark),
    errorAfterwards: failed.has(again.mark),
  };
}

/** Sends from our host, one after the other. */
async function sendEach({ site }: LiveTunnel, datagrams: readonly Datagram[]): Promise<ReadonlyMap<string, string>> {
  const failed = new Map<string, string>();
  for (const datagram of datagrams) {
    const error = await inWorld(site.world, () => sendFromOurs(site.host, datagram));
    if (error !== undefined) failed.set(datagram.mark, error);
    await sleep(PAUSE * 1000);
  }
  return failed;
}

/** What the guest's ping is told, by its own tunnel. */
async function kernelMtu({ spec, site, device }: LiveTunnel, family: 4 | 6): Promise<number> {
  const size = UNDERLAY_MTU.near - device.endpoint.overhead.mtu + 1 - (family === 4 ? 28 : 48);
  const { text } = await ping(site.guest, `-c 2 -W 1 -M do -s ${size} ${innerOf(spec, "ours", family)}`);
  const mtu = toldMtu(text);
  check(!Number.isNaN(mtu), "ping names the MTU", text);
  return mtu;
}

function toldMtu(text: string): number {
  return Number(/mtu ?[:=] ?(\d+)/.exec(text)?.[1] ?? Number.NaN);
}

/** What our host has learned of the way to the guest. */
function ourMtu({ spec, site }: LiveTunnel, family: 4 | 6): Promise<number | undefined> {
  const { host, world } = site;
  return inWorld(world, () => {
    const address = parse(innerOf(spec, "guest", family));
    return typeof address === "number"
      ? host.ipv4.exceptions.mtu(address, host.now)
      : host.ipv6.exceptions.mtu(address, host.now);
  });
}

/**
 * A packet that fits near's tunnel and not far's: near gets the ICMP error, with the right MTU; or, of VXLAN and Geneve over IPv4 without
 * DF, it goes in outer fragments, again and again: routers look at the device's MTU (`ip_forward_use_pmtu`).
 */
async function forwarded(tunnel: LiveTunnel, family: 4 | 6): Promise<string> {
  const { site, device } = tunnel;
  const header = family === 4 ? 28 : 48;
  const room = roomIn(tunnel, "far");
  const to = INNER.far.guest[family];
  const fitting = await ping(site.guest, `-i 0.05 -c 2 -M do -s ${room - header} ${to}`);
  check(fitting.received === 2, `${room} bytes of IPv${family} pass from near to far`, fitting.text);
  const longer = await ping(site.guest, `-i 0.05 -c 3 -W 1 -M do -s ${room + 1 - header} ${to}`);
  if (!keepsWhole(device.endpoint, family === 4)) {
    check(longer.received === 3, `${room + 1} bytes of IPv${family} pass in fragments`, longer.text);
    return `${room + 1} in fragments to far`;
  }
  const mtu = toldMtu(longer.text);
  check(mtu === room && longer.received === 0, `we tell near that ${room} bytes fit on the way to far`, longer.text);
  return `${room} on the way to far`;
}
