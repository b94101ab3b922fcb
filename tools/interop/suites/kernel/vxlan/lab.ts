import type { PacketPool } from "../../../../../packages/packet/src/index.ts";
import type { DropReason } from "../../../../../packages/core/src/index.ts";
import { PACKET_MULTICAST, parseIpv4, parseIpv6 } from "../../../../../packages/packet/src/index.ts";
import { createSimulation } from "../../../../../packages/sim/src/index.ts";
import {
  configureDevice,
  openNamespace,
  openTapNic,
  RealtimeDriver,
  type KernelNamespace,
  type TapNic,
} from "../../../../../packages/host-link/src/index.ts";
import {
  addAddress4,
  addAddress6,
  closeHost,
  createHost,
  type Host,
  type NetInterface,
} from "../../../../../packages/stack/src/index.ts";
import { installSegmenter } from "../../../../../packages/stack/src/offload/index.ts";
import type { UdpTunnelShape } from "../../../../../packages/tso/src/index.ts";
import { createTunnel } from "../../../../../packages/stack/src/tunnel/index.ts";
import { inNetns, ip } from "../../../lib/netns-programs.ts";
import { addressesOf, kernelTunnel, ourTunnel, prefix, UNDERLAY, VARIANTS, type Variant } from "./variants.ts";

/** Our two TAP devices, and the namespaces of the kernel that they are in. */
export type Side = "a" | "b";

/**
 * far ─ A (VXLAN in the kernel) ═ TAP ═ our host (VXLAN) ═ TAP ═ B (plain IP) ─ near
 *
 * `far` and `near` hang behind A and B on links without offloads: there the kernel has to split what we hand it.
 */
export interface Lab {
  readonly host: Host;
  readonly pool: PacketPool;
  readonly nics: Readonly<Record<Side, TapNic>>;
  readonly interfaces: Readonly<Record<Side, NetInterface>>;
  /** Our VXLAN interfaces, by the number of their variant. */
  readonly tunnels: ReadonlyMap<number, NetInterface>;
  readonly names: Readonly<Record<Side | "far" | "near", string>>;
  /** Runs `call` in simulated time and answers what it answers. */
  inWorld<Result>(call: () => Result): Promise<Result>;
  /** The kernel passes what is in VXLAN unsplit too (since Linux 6.17). */
  readonly tunnelsUnsplit: boolean;
  /** What our host dropped, but for what groups were told that it is not in. */
  readonly lost: ReadonlyMap<DropReason, number>;
  /** What went wrong with the devices themselves. */
  readonly failures: readonly Error[];
  close(): Promise<void>;
}

const VXLAN_SHAPE: UdpTunnelShape = {
  name: "vxlan",
  ports: [4789, 4790],
  headerBytes: 8,
  require: [{ offset: 0, mask: 0xff, value: 0x08 }],
  inner: { etherType: 0x6558 },
};

/** The VXLAN of `far`. */
export const FAR: Variant = { name: "of a far host", underlay: 4, checksum: true, number: 5, vni: 45, port: 4789 };
/** Networks between A and `far`, and between B and `near`. */
const BETWEEN = { far: ["10.90.2.1", "10.90.2.2"], near: ["10.93.1.1", "10.93.1.2"] } as const;
export const NEAR_ADDRESS = "10.93.1.2";

export interface LabOptions {
  /** What the kernel may leave unfinished (`TUN_F_…`). Default: all that it knows. */
  readonly offloads?: number;
}

let labs = 0;

export async function openLab(options: LabOptions = {}): Promise<Lab> {
  const stem = `svk${process.pid}${"xyz"[labs++ % 3]}`;
  const names = { a: `${stem}a`, b: `${stem}b`, far: `${stem}far`, near: `${stem}near` };
  const undo: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const each of undo.splice(0).reverse()) await each();
  };
  try {
    for (const name of Object.values(names)) {
      const namespace: KernelNamespace = await openNamespace(name);
      undo.push(() => namespace.remove());
    }
    return await build(names, options, undo, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(
  names: Lab["names"],
  options: LabOptions,
  undo: (() => Promise<void> | void)[],
  close: () => Promise<void>,
): Promise<Lab> {
  const simulation = createSimulation({ pool: { small: 8192, jumbo: 64, super: 256 } });
  const { simulator: scheduler, pool } = simulation;
  undo.push(() => void simulation.close());
  const clock = new RealtimeDriver(scheduler);
  const host = createHost({ name: "seville", scheduler, pool, random: simulation.random("seville") });
  installSegmenter(host);
  // Nobody else is on these links, and a suite has no second to wait.
  host.sysctls.set("net.ipv6.conf.default.dad_transmits", 0);
  const failures: Error[] = [];
  const nic = async (side: Side): Promise<TapNic> => {
    const onFailure = (error: Error): void => void failures.push(error);
    const opened = await openTapNic({
      scheduler,
      pool,
      clock,
      onFailure,
      // Where the kernel has split what is in VXLAN, we put it together again.
      gro: { tunnels: [VXLAN_SHAPE] },
      ...options,
      device: `tap${side}`,
      netns: names[side],
      onDrop: (packet, reason) => host.drops.note(packet, reason, undefined),
    });
    undo.push(() => opened.close());
    return opened;
  };
  const nics = { a: await nic("a"), b: await nic("b") };
  const interfaces = {
    a: host.interfaces.add(nics.a, { name: "tapa", up: true }),
    b: host.interfaces.add(nics.b, { name: "tapb", up: true }),
  };
  host.sysctls.set("net.ipv4.ip_forward", 1);
  host.sysctls.set("net.ipv6.conf.all.forwarding", 1);
  for (const family of [4, 6] as const) {
    assign(interfaces.a, prefix(UNDERLAY[family].ours));
    await configureDevice(names.a, "tapa", { addresses: [prefix(UNDERLAY[family].kernel)] });
  }
  const tunnels = new Map<number, NetInterface>();
  const lab: Lab = {
    host,
    pool,
    nics,
    interfaces,
    tunnels,
    names,
    tunnelsUnsplit: nics.a.device.features.features.has("GSO_UDP_TUNNEL_CSUM"),
    lost: countLost(host),
    failures,
    close,
    inWorld: (call) =>
      new Promise((resolve, reject) => {
        scheduler.scheduleCall(scheduler.now, () => {
          try {
            resolve(call());
          } catch (error) {
            // It is the case that fails, not the simulation.
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        });
      }),
  };
  for (const variant of VARIANTS) tunnels.set(variant.number, await addVariant(lab, variant));
  await addFarAndNear(lab);
  tunnels.set(FAR.number, await addVariant(lab, FAR));
  const running = clock.run({ until: 1e15 });
  undo.push(async () => {
    clock.stop();
    await running;
    closeHost(host);
  });
  return lab;
}

/** Both ends of a VXLAN, with routes from the kernel to what is behind us, and back. */
async function addVariant(lab: Lab, variant: Variant): Promise<NetInterface> {
  const { host, names, interfaces } = lab;
  const name = `vx${variant.number}`;
  const isFar = variant === FAR;
  const [netns, under] = isFar ? [names.far, "veth"] : [names.a, "tapa"];
  const local = isFar ? BETWEEN.far[1] : UNDERLAY[variant.underlay].kernel;
  const device = createTunnel(host, ourTunnel(variant, local), { dev: "tapa" });
  const iface = host.interfaces.add(device, { name, up: true });
  await ip(netns, `link add ${name} type vxlan ${kernelTunnel(variant, local)} dev ${under}`);
  await ip(netns, `link set ${name} up`);
  for (const family of [4, 6] as const) {
    const { kernel, ours, behind, gateway } = addressesOf(variant, family);
    assign(iface, prefix(ours));
    assign(interfaces.b, prefix(gateway));
    const routes = [{ to: network(behind), via: ours }];
    // Of A's four, the one with outer checksums over IPv4.
    if (family === 4 && (isFar || variant.number === 2)) routes.push({ to: network(NEAR_ADDRESS), via: ours });
    await configureDevice(netns, name, { addresses: [prefix(kernel)], routes });
    await configureDevice(names.b, "tapb", { addresses: [prefix(behind)] });
    // Answers to what comes out of a VXLAN go into the same.
    const version = family === 6 ? "-6 " : "";
    await ip(names.b, `${version}route add ${network(kernel)} via ${gateway} dev tapb src ${behind}`);
  }
  return iface;
}

/** Hosts behind A and B, on links where the kernel has to finish what it sends. */
async function addFarAndNear({ names, host, interfaces }: Lab): Promise<void> {
  for (const [side, end] of [
    ["a", "far"],
    ["b", "near"],
  ] as const) {
    const [here, there] = BETWEEN[end];
    await ip(names[side], `link add to${end} type veth peer name veth netns ${names[end]}`);
    for (const [netns, device, address] of [
      [names[side], `to${end}`, here],
      [names[end], "veth", there],
    ] as const) {
      await inNetns(netns, `ethtool -K ${device} tx off rx off tso off gso off gro off`);
      await ip(netns, `link set ${device} up`);
      await configureDevice(netns, device, { addresses: [prefix(address)] });
    }
    await ip(names[end], `route add default via ${here}`);
    await inNetns(names[side], ["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"]);
  }
  const routes = [
    [network(BETWEEN.far[1]), UNDERLAY[4].kernel, interfaces.a],
    [network(NEAR_ADDRESS), addressesOf(VARIANTS[0] as Variant, 4).behind, interfaces.b],
  ] as const;
  for (const [to, via, dev] of routes) {
    const [address = "", length = ""] = to.split("/");
    host.ipv4.fib.add({
      destination: parseIpv4(address),
      prefixLength: Number(length),
      hops: [{ gateway: parseIpv4(via), dev }],
    });
  }
}

function countLost(host: Host): ReadonlyMap<DropReason, number> {
  const lost = new Map<DropReason, number>();
  host.drops.listen((packet, reason) => {
    if (reason === "IP_INVALID_DEST" && packet.pktType === PACKET_MULTICAST) return;
    lost.set(reason, (lost.get(reason) ?? 0) + 1);
  });
  return lost;
}

function assign(iface: NetInterface, text: string): void {
  const [address = "", length = ""] = text.split("/");
  const prefixLength = Number(length);
  if (address.includes(":")) addAddress6(iface, { address: parseIpv6(address), prefixLength });
  else addAddress4(iface, { address: parseIpv4(address), prefixLength });
}

/** The network of an address, as a route's destination. */
function network(address: string): string {
  return address.includes(":") ? address.replace(/::.*/, "::/64") : address.replace(/\d+$/, "0/24");
}
