import { parseInterfaceAddress } from "../../../../../packages/packet/src/index.ts";
import { addAddress4, addAddress6, type NetInterface } from "../../../../../packages/stack/src/index.ts";
import { createTunnel, type TunnelDevice } from "../../../../../packages/stack/src/tunnel/index.ts";
import { INNER, parse, SIX_TO_FOUR, UNDERLAY, UNDERLAY_MTU, type Side } from "./addresses.ts";
import { inWorld, type Site } from "./site.ts";
import { IDS, is6to4, type TunnelSpec } from "./tunnel-spec.ts";

/** A configuration that stands: from near to us, and from us to far. */
export interface LiveTunnel {
  readonly spec: TunnelSpec;
  readonly site: Site;
  /** Our ends. */
  readonly near: NetInterface;
  readonly far: NetInterface;
  readonly device: TunnelDevice;
  /** MTU that the kernel gave its end at near. */
  readonly kernelMtu: number;
}

/** The address of one end of near's tunnel inside it. */
export function innerOf(spec: TunnelSpec, who: "ours" | "guest", family: 4 | 6): string {
  return is6to4(spec) ? SIX_TO_FOUR[who] : INNER.near[who][family];
}

/** Makes both tunnels of `spec`, ours and the kernel's. */
export async function raise(site: Site, spec: TunnelSpec): Promise<LiveTunnel> {
  const { guest, world } = site;
  site.wire.unfinished = spec.link.includes("remcsum");
  const tunnel = await inWorld(world, () => {
    const [near, device] = addOurs(site, spec, "near");
    // One 6to4 device serves all sites.
    const [far] = is6to4(spec) ? [near] : addOurs(site, spec, "far");
    return { spec, site, near, far, device };
  });
  try {
    await guest.expect(guestCommands(spec, "near"));
    if (!is6to4(spec)) await guest.expect(guestCommands(spec, "far"));
    const mtu = await guest.expect("cat /sys/class/net/t0/mtu");
    if (!is6to4(spec)) await guest.expect(`ip -n far link set t0 mtu ${tunnel.far.mtu}`);
    return { ...tunnel, kernelMtu: Number(mtu) };
  } catch (error) {
    await lower({ ...tunnel, kernelMtu: 0 });
    throw error;
  }
}

function addOurs({ host }: Site, spec: TunnelSpec, side: Side): [NetInterface, TunnelDevice] {
  const { ours, guest } = UNDERLAY[side];
  const ends = { local: parse(ours[spec.underlay]), remote: parse(guest[spec.underlay]), id: IDS[side] };
  const device = createTunnel(host, spec.make(ends));
  const iface = host.interfaces.add(device, { name: side, up: true });
  // VXLAN's default of 1500 is more than far's path carries; how the tunnel itself finds out is another check.
  if (side === "far") {
    host.interfaces.setMtu(iface, Math.min(iface.mtu, UNDERLAY_MTU.far - device.endpoint.overhead.mtu));
  }
  assign(iface, addressesOf(spec, side, "ours"));
  return [iface, device];
}

/** Takes them down, and what was learned of them. */
export async function lower({ site, spec, near, far }: LiveTunnel): Promise<void> {
  const { guest, host, world } = site;
  await inWorld(world, () => {
    host.interfaces.remove(near);
    if (far !== near) host.interfaces.remove(far);
    host.ipv4.exceptions.clear();
    host.ipv6.exceptions.clear();
  });
  const fou = spec.fou === undefined ? "" : `ip fou del ${spec.fou}; ip -n far fou del ${spec.fou};`;
  await guest.run(
    `ip link del t0; ip -n far link del t0; ${fou} ip route flush cache; ip netns exec far ip route flush cache`,
  );
}

/** What each address of `side` is, with its prefix. */
function addressesOf(spec: TunnelSpec, side: Side, who: "ours" | "guest"): string[] {
  if (is6to4(spec)) return [`${SIX_TO_FOUR[who]}/16`];
  const { 4: v4, 6: v6 } = INNER[side][who];
  return [...(spec.inner.includes(4) ? [`${v4}/24`] : []), ...(spec.inner.includes(6) ? [`${v6}/64`] : [])];
}

function assign(iface: NetInterface, addresses: readonly string[]): void {
  for (const text of addresses) {
    const { address, prefixLength } = parseInterfaceAddress(text);
    if (typeof address === "number") addAddress4(iface, { address, prefixLength });
    else addAddress6(iface, { address, prefixLength });
  }
}

/** `ip` in the namespace of `side`. */
function guestCommands(spec: TunnelSpec, side: Side): string {
  const ip = side === "near" ? "ip" : "ip -n far";
  const { ours, guest } = UNDERLAY[side];
  const link = spec.link
    .replace("local L", `local ${guest[spec.underlay]}`)
    .replace("remote R", `remote ${ours[spec.underlay]}`)
    .replace("id ID", `id ${IDS[side]}`);
  const addresses = addressesOf(spec, side, "guest").map((address) => {
    const nodad = address.includes(":") ? " nodad" : "";
    return `${ip} addr add ${address} dev t0${nodad}`;
  });
  const other: Side = side === "near" ? "far" : "near";
  const exec = side === "near" ? "" : "ip netns exec far ";
  const routes = is6to4(spec)
    ? []
    : spec.inner.map((family) => {
        const net =
          family === 4
            ? `${INNER[other].ours[4].replace(/\d+$/, "0")}/24`
            : INNER[other].ours[6].replace(/::.*/, "::/64");
        return `${ip} route add ${net} ${how(spec, side, family)} dev t0`;
      });
  // With metadata, routes name the other end; what is on the link is no exception.
  const own = spec.lightweight
    ? spec.inner.map((family) => `${ip} route replace ${INNER[side].ours[family]} ${how(spec, side, family)} dev t0`)
    : [];
  return [
    ...(spec.fou === undefined ? [] : [`${ip} fou add ${spec.fou}`]),
    `${ip} link add t0 ${link}`,
    `${ip} link set t0 up`,
    `{ ${exec}ethtool -K t0 gro off >/dev/null 2>&1; true; }`,
    ...addresses,
    ...own,
    ...routes,
  ].join(" && \\\n");
}

function how(spec: TunnelSpec, side: Side, family: 4 | 6): string {
  const { ours } = UNDERLAY[side];
  if (spec.lightweight) return `encap ip id ${IDS[side]} dst ${ours[spec.underlay]}`;
  return isL3(spec) ? "" : `via ${INNER[side].ours[family]}`;
}

function isL3({ link }: TunnelSpec): boolean {
  return !/gretap|vxlan|geneve|erspan/.test(link);
}

/** What the path's MTU leaves for an IP packet in the tunnel of `side`. */
export function roomIn({ device }: LiveTunnel, side: Side): number {
  return UNDERLAY_MTU[side] - device.endpoint.overhead.mtu;
}
