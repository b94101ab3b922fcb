import type { DropReason } from "../../../../../packages/core/src/index.ts";
import { PACKET_MULTICAST, parseIpv4, parseIpv6, type PacketPool } from "../../../../../packages/packet/src/index.ts";
import { createSimulation, type DirectionOptions, type Link } from "../../../../../packages/sim/src/index.ts";
import {
  bridge,
  configureDevice,
  monotonicNow,
  openNamespace,
  openTap,
  openTapNic,
  RealtimeDriver,
  type TapNic,
} from "../../../../../packages/host-link/src/index.ts";
import {
  addAddress4,
  addAddress6,
  closeHost,
  createHost,
  type Host,
  type SysctlName,
} from "../../../../../packages/stack/src/index.ts";
import { createOffloadNic, installSegmenter } from "../../../../../packages/stack/src/offload/index.ts";
import { installTcp } from "../../../../../packages/stack/src/tcp/index.ts";
import { Capture, CAPTURED_PORTS } from "./capture.ts";
import { KernelPeer } from "./kernel-peer.ts";

/** `fast`: a TAP device as our NIC, super-packets unsplit. `link`: finished frames over a simulated link that does to them what a case asks for. */
export type Path = "fast" | "link";

export const ADDRESSES = {
  fast: { 4: { ours: "10.94.1.1", kernel: "10.94.1.2" }, 6: { ours: "fd94:1::1", kernel: "fd94:1::2" } },
  link: { 4: { ours: "10.94.2.1", kernel: "10.94.2.2" }, 6: { ours: "fd94:2::1", kernel: "fd94:2::2" } },
} as const;

/** Our host, and the kernel in a namespace of its own at the other end of two networks. */
export interface TcpLab {
  readonly host: Host;
  readonly pool: PacketPool;
  readonly netns: string;
  readonly peer: KernelPeer;
  readonly nic: TapNic;
  /** a: ours, b: the kernel's. */
  readonly link: Link;
  readonly capture: Capture;
  /** Frames that the kernel dropped before the link, because they were read too slowly. */
  tapDrops(): Promise<number>;
  /** Runs `call` in simulated time and answers what it answers. */
  inWorld<Result>(call: () => Result): Promise<Result>;
  /** Does this to the link's frames while `during` runs. */
  impaired<Result>(options: DirectionOptions, during: () => Promise<Result>): Promise<Result>;
  /** Sets sysctls of our host and of the kernel while `during` runs. */
  configured<Result>(
    settings: { readonly ours?: OurSysctls; readonly kernel?: Sysctls },
    during: () => Promise<Result>,
  ): Promise<Result>;
  /** A port that no case had: of those that are captured, or not. */
  port(captured?: boolean): number;
  readonly lost: ReadonlyMap<DropReason, number>;
  readonly failures: readonly Error[];
  close(): Promise<void>;
}

export type OurSysctls = Readonly<Partial<Record<SysctlName, number | string>>>;
export type Sysctls = Readonly<Record<string, number | string>>;

/** The link when nothing is asked of it. */
export const PLAIN: Required<
  Pick<DirectionOptions, "delay" | "jitter" | "loss" | "duplicate" | "corrupt" | "reorder" | "rate" | "mtu" | "queue">
> = {
  delay: 1e6,
  jitter: 0,
  loss: 0,
  duplicate: 0,
  corrupt: 0,
  reorder: 0,
  rate: Infinity,
  mtu: 1500,
  queue: { kind: "fifo" },
};

let labs = 0;

export async function openLab(): Promise<TcpLab> {
  const undo: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const each of undo.splice(0).reverse()) await each();
  };
  try {
    return await build(`svt${process.pid}${"xyz"[labs++ % 3]}`, undo, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(netns: string, undo: (() => Promise<void> | void)[], close: () => Promise<void>): Promise<TcpLab> {
  const namespace = await openNamespace(netns);
  undo.push(() => namespace.remove());
  const simulation = createSimulation({ seed: 4, pool: { small: 16_384, jumbo: 64, super: 256 } });
  const { simulator: scheduler, pool } = simulation;
  undo.push(() => void simulation.close());
  const clock = new RealtimeDriver(scheduler);
  const host = createHost({ name: "seville", scheduler, pool, random: simulation.random("seville") });
  installSegmenter(host);
  installTcp(host);
  // Nobody else is on these links, and a suite has no second to wait.
  host.sysctls.set("net.ipv6.conf.default.dad_transmits", 0);
  const failures: Error[] = [];
  const onFailure = (error: Error): void => void failures.push(error);
  const nic = await openTapNic({
    scheduler,
    pool,
    clock,
    onFailure,
    device: "fast",
    netns,
    onDrop: (packet, reason) => host.drops.note(packet, reason, undefined),
  });
  undo.push(() => nic.close());
  const link = simulation.link({ name: "link", ...PLAIN });
  const tap = await openTap({ device: "link", netns });
  undo.push(() => tap.close());
  bridge({ port: tap, end: link.b, pool, clock, onFailure });
  const interfaces = {
    fast: host.interfaces.add(nic, { name: "fast", up: true }),
    link: host.interfaces.add(createOffloadNic(host, link.a), { name: "link", up: true }),
  };
  for (const path of ["fast", "link"] as const) {
    addAddress4(interfaces[path], { address: parseIpv4(ADDRESSES[path][4].ours), prefixLength: 24 });
    addAddress6(interfaces[path], { address: parseIpv6(ADDRESSES[path][6].ours), prefixLength: 64 });
    const addresses = [`${ADDRESSES[path][4].kernel}/24`, `${ADDRESSES[path][6].kernel}/64`];
    await configureDevice(netns, path, { addresses });
  }
  const peer = new KernelPeer(netns);
  undo.push(() => peer.close());
  // What one case learned of the way is not another's business.
  await peer.sysctl("net.ipv4.tcp_no_metrics_save", 1);
  const capture = await Capture.start(netns, "link");
  undo.push(() => capture.discard());
  const running = clock.run({ until: 1e15 });
  undo.push(async () => {
    clock.stop();
    await running;
    closeHost(host);
  });
  let [captured, other] = [CAPTURED_PORTS[0] as number, 9000];
  const inWorld = <Result>(call: () => Result): Promise<Result> =>
    new Promise((resolve, reject) => {
      const refused = clock.inject(() => {
        try {
          resolve(call());
        } catch (error) {
          // It is the case that fails, not the simulation.
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      }, monotonicNow());
      if (refused !== undefined) reject(new Error(`the simulation does not run: ${refused}`));
    });
  return {
    host,
    pool,
    netns,
    peer,
    nic,
    link,
    capture,
    tapDrops: async () => Number(await peer.call("read", { paths: ["/sys/class/net/link/statistics/tx_dropped"] })),
    lost: countLost(host),
    failures,
    close,
    inWorld,
    port: (isCaptured = true) => (isCaptured ? captured++ : other++),
    async impaired(options, during) {
      await inWorld(() => link.set(options));
      try {
        return await during();
      } finally {
        await inWorld(() => link.set(PLAIN));
      }
    },
    async configured({ ours = {}, kernel = {} }, during) {
      const back: (() => Promise<void>)[] = [];
      try {
        for (const [name, value] of Object.entries(kernel)) {
          const before = await peer.readSysctl(name);
          back.push(() => peer.sysctl(name, before));
          await peer.sysctl(name, value);
        }
        for (const [name, value] of Object.entries(ours) as [SysctlName, number | string][]) {
          const before = host.sysctls.get(name);
          back.push(() => inWorld(() => host.sysctls.set(name, before)));
          await inWorld(() => host.sysctls.set(name, value));
        }
        return await during();
      } finally {
        for (const each of back) await each();
      }
    },
  };
}

function countLost(host: Host): ReadonlyMap<DropReason, number> {
  const lost = new Map<DropReason, number>();
  host.drops.listen((packet, reason) => {
    if (reason === "IP_INVALID_DEST" && packet.pktType === PACKET_MULTICAST) return;
    lost.set(reason, (lost.get(reason) ?? 0) + 1);
  });
  return lost;
}
