import { parseIpv4, parseIpv6 } from "../../../../../packages/packet/src/index.ts";
import { configureDevice, openNamespace } from "../../../../../packages/host-link/src/index.ts";
import { ip } from "../../../lib/netns-programs.ts";
import { check } from "../../../lib/suite.ts";
import { defineCases, FAMILIES, type TcpCase } from "./cases.ts";
import { connectPair, tellTransfer, transfer } from "./exchange.ts";
import { KernelPeer } from "./kernel-peer.ts";
import { ADDRESSES, type TcpLab } from "./lab.ts";
import { OurSocket } from "./our-socket.ts";

const MIB = 1 << 20;
const FAR = { 4: { router: "10.94.3.1", far: "10.94.3.2" }, 6: { router: "fd94:3::1", far: "fd94:3::2" } } as const;
/** Longest SYN option bytes in a data segment: a timestamp. */
const TIMESTAMP = 12;
const HEADERS = { 4: 40, 6: 60 } as const;

interface Far {
  readonly peer: KernelPeer;
  /** Another MTU for the network between the router and it. */
  setMtu(mtu: number): Promise<void>;
}

/** ours ─ link ─ the kernel, now a router ─ veth ─ a kernel behind it. */
async function withFar<Result>(lab: TcpLab, run: (far: Far) => Promise<Result>): Promise<Result> {
  const name = `${lab.netns}far`;
  const { host, netns } = lab;
  const namespace = await openNamespace(name);
  const undo: (() => Promise<unknown>)[] = [() => namespace.remove()];
  try {
    await ip(netns, `link add tofar type veth peer name veth netns ${name}`);
    // Its end in the other namespace would go only some time after that has.
    undo.push(() => ip(netns, "link del tofar"));
    for (const [where, device, end] of [
      [netns, "tofar", "router"],
      [name, "veth", "far"],
    ] as const) {
      await ip(where, `link set ${device} up`);
      await configureDevice(where, device, { addresses: [`${FAR[4][end]}/24`, `${FAR[6][end]}/64`] });
    }
    await ip(name, `route add default via ${FAR[4].router}`);
    await ip(name, `-6 route add default via ${FAR[6].router}`);
    const peer = new KernelPeer(name);
    undo.push(() => peer.close());
    const dev = host.interfaces.named("link");
    await lab.inWorld(() => {
      const v4 = { destination: parseIpv4("10.94.3.0"), prefixLength: 24 };
      const v6 = { destination: parseIpv6("fd94:3::"), prefixLength: 64 };
      host.ipv4.fib.add({ ...v4, hops: [{ gateway: parseIpv4(ADDRESSES.link[4].kernel), dev }] });
      undo.push(() => lab.inWorld(() => host.ipv4.fib.remove(v4)));
      host.ipv6.fib.add({ ...v6, hops: [{ gateway: parseIpv6(ADDRESSES.link[6].kernel), dev }] });
      undo.push(() => lab.inWorld(() => host.ipv6.fib.remove(v6)));
    });
    const far: Far = {
      peer,
      async setMtu(mtu) {
        await ip(netns, `link set tofar mtu ${mtu}`);
        await ip(name, `link set veth mtu ${mtu}`);
      },
    };
    const forwarding = { "net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1 };
    return await lab.configured({ kernel: forwarding }, () => run(far));
  } finally {
    for (const each of undo.reverse()) await each();
  }
}

/** The way gets narrower while data flows; the router says so. */
async function narrower(lab: TcpLab, family: 4 | 6): Promise<string> {
  return withFar(lab, async (far) => {
    const port = lab.port();
    const listener = await far.peer.listen(family, port);
    const client = await OurSocket.open(lab, family);
    await client.connect(FAR[family].far, port);
    const server = await listener.accept();
    const sizes = [1500, 1400, 1300].map((mtu) => mtu - HEADERS[family] - TIMESTAMP);
    const found: number[] = [];
    const drained = server.drain();
    const hashes: string[] = [];
    for (const mtu of [1500, 1400, 1300]) {
      await far.setMtu(mtu);
      hashes.push(await client.pour(`mtu ${mtu}`, 256 << 10));
      await client.do(() => undefined);
      for (let tries = 0; tries < 100 && (await client.do((socket) => socket.outq().unacknowledged)) > 0; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      found.push((await client.info()).snd_mss);
    }
    await client.shutdown(1);
    const got = await drained;
    await client.close();
    await server.close();
    await listener.close();
    const told = `MSS ${found.join(", ")}; ${got.bytes} bytes`;
    check(found.join() === sizes.join(), `MSS ${sizes.join(", ")} by the router's ICMP`, told);
    check(got.bytes === 3 * (256 << 10), "all bytes arrive", told);
    return told;
  });
}

/** A router that says nothing: both ends find out by themselves (RFC 4821), if they are allowed to. */
async function blackHole(lab: TcpLab, family: 4 | 6, sender: "ours" | "kernel"): Promise<string> {
  const probing = { "net.ipv4.tcp_mtu_probing": 1 };
  return lab.configured({ ours: probing, kernel: probing }, async () => {
    const pair = await connectPair(lab, { family, opener: "ours" });
    try {
      const hole = family === 6 ? 1290 : 1200;
      const result = await lab.impaired({ mtu: hole }, () => transfer(pair, sender, 256 << 10));
      const { snd_mss } = sender === "ours" ? result.ours : result.theirs;
      const told = `${tellTransfer(result)}; MSS ${snd_mss ?? 0}`;
      check((snd_mss ?? 1500) <= hole - HEADERS[family] - TIMESTAMP, `the MSS fits a hole of ${hole}`, told);
      return told;
    } finally {
      await pair.close();
    }
  });
}

/** TCP_MAXSEG and a device's MTU: what one end announces, the other keeps to. */
async function clamped(lab: TcpLab, family: 4 | 6): Promise<string> {
  const told: string[] = [];
  const iface = lab.host.interfaces.named("link");
  const cases = [
    { name: "our TCP_MAXSEG of 1000", ours: { TCP_MAXSEG: 1000 }, theirs: {}, most: 1000 },
    { name: "the kernel's TCP_MAXSEG of 700", ours: {}, theirs: { TCP_MAXSEG: 700 }, most: 700 },
    { name: "our device's MTU of 1300", ours: {}, theirs: {}, mtu: 1300, most: 1300 - HEADERS[family] },
  ];
  for (const { name, ours, theirs, mtu, most } of cases) {
    for (const opener of ["ours", "kernel"] as const) {
      await lab.inWorld(() => lab.host.interfaces.setMtu(iface, mtu ?? 1500));
      const pair = await connectPair(lab, { family, opener, ours, theirs });
      try {
        await transfer(pair, opener, MIB / 8);
        const [mine, its] = [(await pair.ours.info()).snd_mss, (await pair.theirs.info()).snd_mss ?? 0];
        const words = `${name}: MSS ours ${mine}, the kernel's ${its}`;
        told.push(words);
        check(
          mine === most - TIMESTAMP && its === most - TIMESTAMP,
          `both send segments of ${most - TIMESTAMP}`,
          words,
        );
      } finally {
        await pair.close();
        await lab.inWorld(() => lab.host.interfaces.setMtu(iface, 1500));
      }
    }
  }
  return told.join("; ");
}

export const pathCases: readonly TcpCase[] = defineCases([
  ...FAMILIES.flatMap((family) => [
    {
      name: `path MTU: 1500, 1400, 1300 under way over IPv${family}`,
      quick: family === 4,
      run: (lab: TcpLab) => narrower(lab, family),
    },
    { name: `MSS clamped over IPv${family}`, quick: family === 6, run: (lab: TcpLab) => clamped(lab, family) },
    ...(["ours", "kernel"] as const).map((sender) => ({
      name: `MTU black hole over IPv${family}, from ${sender === "ours" ? "us" : "the kernel"}`,
      run: (lab: TcpLab) => blackHole(lab, family, sender),
    })),
  ]),
]);
