import { listTcp, SHUT_WR } from "../../../../../packages/stack/src/tcp/index.ts";
import { check } from "../../../lib/suite.ts";
import { defineCases, FAMILIES, type TcpCase } from "./cases.ts";
import { connectPair, transfer, type Connected, type Opener } from "./exchange.ts";
import { ADDRESSES, type TcpLab } from "./lab.ts";
import { errnoOf, OurSocket, patient, pause } from "./our-socket.ts";

const MIB = 1 << 20;
const TIME_WAIT = 6;

type Talk = (lab: TcpLab, pair: Connected) => Promise<string>;

interface Ending {
  readonly name: string;
  readonly quick?: boolean;
  readonly run: Talk;
}

const ENDINGS: readonly Ending[] = [
  {
    name: "half close by us: 1 MiB comes back",
    quick: true,
    async run(lab, pair) {
      await pair.ours.send("that is all");
      await pair.ours.shutdown(SHUT_WR);
      check((await pair.theirs.recv()) === "that is all", "the kernel reads it", "");
      check((await pair.theirs.recv()) === "", "the kernel sees our end", "");
      await pair.ours.reaches("FIN_WAIT2");
      await transfer(pair, "kernel", MIB);
      return `1 MiB, then ${pair.ours.socket.state}`;
    },
  },
  {
    name: "half close by the kernel: 1 MiB goes back",
    quick: true,
    async run(lab, pair) {
      await pair.theirs.send("that is all");
      await pair.theirs.shutdown(SHUT_WR);
      check((await pair.ours.recvAll()) === "that is all", "we read it and the end", "");
      check(pair.ours.socket.state === "CLOSE_WAIT", "we are in CLOSE_WAIT", pair.ours.socket.state);
      await transfer(pair, "ours", MIB);
      await pair.ours.reaches("CLOSE");
      return "1 MiB, then CLOSE";
    },
  },
  {
    name: "SO_LINGER of 0 resets: ours",
    quick: true,
    async run(lab, pair) {
      await pair.ours.set("SO_LINGER", { onoff: 1, linger: 0 });
      await pair.ours.close();
      return expectCode("ECONNRESET", await errnoOf(pair.theirs.recv()), "the kernel's recv");
    },
  },
  {
    name: "SO_LINGER of 0 resets: the kernel's",
    quick: true,
    async run(lab, pair) {
      await pair.theirs.set("SO_LINGER", [1, 0]);
      await pair.theirs.close();
      return expectCode("ECONNRESET", await errnoOf(pair.ours.recv()), "our recv");
    },
  },
  {
    name: "unread data makes a close a reset: ours",
    async run(lab, pair) {
      await pair.theirs.send("nobody reads this");
      await pause(100);
      await pair.ours.close();
      return expectCode("ECONNRESET", await errnoOf(pair.theirs.recv()), "the kernel's recv");
    },
  },
  {
    name: "unread data makes a close a reset: the kernel's",
    async run(lab, pair) {
      await pair.ours.send("nobody reads this");
      await pause(100);
      await pair.theirs.close();
      return expectCode("ECONNRESET", await errnoOf(pair.ours.recv()), "our recv");
    },
  },
  {
    name: "data after our close is answered with a reset",
    quick: true,
    async run(lab, pair) {
      await pair.ours.close();
      check((await pair.theirs.recv()) === "", "the kernel sees our end", "");
      await pair.theirs.send("too late");
      await pause(100);
      return expectCode("EPIPE", await errnoOf(pair.theirs.send("again")), "the kernel's second send");
    },
  },
  {
    name: "data after the kernel's close is answered with a reset",
    async run(lab, pair) {
      await pair.theirs.close();
      check((await pair.ours.recv()) === "", "we see its end", "");
      await pair.ours.send("too late");
      await pause(100);
      return expectCode("EPIPE", await errnoOf(pair.ours.send("again")), "our second send");
    },
  },
  {
    name: "simultaneous close",
    quick: true,
    run: (lab, pair) =>
      lab.impaired({ delay: 60e6 }, async () => {
        const seen = new Set<string>();
        const closing = Promise.all([pair.ours.shutdown(SHUT_WR), pair.theirs.shutdown(SHUT_WR)]);
        const end = performance.now() + 3000;
        while (
          pair.ours.socket.state !== "CLOSE" &&
          pair.ours.socket.state !== "TIME_WAIT" &&
          performance.now() < end
        ) {
          seen.add(pair.ours.socket.state);
          await pause(1);
        }
        await closing;
        check(seen.has("CLOSING") || seen.has("FIN_WAIT1"), "our FIN crosses its FIN", [...seen].join(", "));
        check((await pair.ours.recv()) === "" && (await pair.theirs.recv()) === "", "both see the end", "");
        return `we went through ${[...seen, pair.ours.socket.state].join(", ")}`;
      }),
  },
];

function expectCode(wanted: string, got: string, what: string): string {
  check(got === wanted, `${what} fails with ${wanted}`, got);
  return `${what}: ${got}`;
}

async function ending(lab: TcpLab, family: 4 | 6, opener: Opener, run: Talk): Promise<string> {
  const pair = await connectPair(lab, { family, opener });
  try {
    return await run(lab, pair);
  } finally {
    await pair.close();
  }
}

/** Nobody listens. */
async function refused(lab: TcpLab, family: 4 | 6): Promise<string> {
  const client = await OurSocket.open(lab, family);
  const ours = await errnoOf(client.connect(ADDRESSES.link[family].kernel, lab.port()));
  await client.close();
  const theirs = await lab.peer.socket(family);
  const kernel = await errnoOf(theirs.connect(ADDRESSES.link[family].ours, lab.port()));
  await theirs.close();
  check(ours === "ECONNREFUSED" && kernel === "ECONNREFUSED", "both are refused", `ours ${ours}, kernel ${kernel}`);
  return "ECONNREFUSED both ways";
}

/** The kernel's client comes back with the port of a connection that is in TIME-WAIT at our end. */
async function reuseOurs(lab: TcpLab, family: 4 | 6): Promise<string> {
  const port = lab.port();
  const listener = await OurSocket.listen(lab, family, port);
  const from = 40_000 + port;
  const { ours, kernel } = ADDRESSES.link[family];
  for (let i = 0; i < 3; i++) {
    const client = await lab.peer.socket(family);
    await client.bind(kernel, from);
    const accepting = listener.accept();
    await client.connect(ours, port);
    const server = await accepting;
    await server.send(`talk ${i}`);
    await server.close();
    check((await client.recv()) === `talk ${i}` && (await client.recv()) === "", "the kernel reads it and the end", "");
    await client.close();
    await pause(100);
    const rows = await lab.inWorld(() => listTcp(lab.host));
    const held = rows.filter(({ localPort, remotePort }) => localPort === port && remotePort === from);
    check(held[0]?.state === "TIME_WAIT", "our end is in TIME_WAIT", held.map(({ state }) => state).join(", "));
  }
  await listener.close();
  return "three connections between the same ports, each ended by us";
}

/** Our client comes back with the port of a connection that is in TIME-WAIT at the kernel's end. */
async function reuseKernels(lab: TcpLab, family: 4 | 6): Promise<string> {
  const port = lab.port();
  const listener = await lab.peer.listen(family, port);
  const from = 40_000 + port;
  const { kernel } = ADDRESSES.link[family];
  for (let i = 0; i < 3; i++) {
    const client = await OurSocket.open(lab, family);
    await client.do((socket) => socket.bind({ port: from }));
    await client.connect(kernel, port);
    const server = await listener.accept();
    await server.send(`talk ${i}`);
    await server.shutdown(SHUT_WR);
    check((await client.recvAll()) === `talk ${i}`, "we read it and the end", "");
    await client.close();
    check((await server.recv()) === "", "the kernel sees our end", "");
    await pause(50);
    const { state } = await server.info();
    check(state === 7 || state === TIME_WAIT, "the kernel's end is over, or in TIME_WAIT", String(state));
    await server.close();
  }
  await listener.close();
  return "three connections between the same ports, each ended by the kernel";
}

/** RFC 9293 §3.5: both connect, and neither listens. */
async function simultaneousOpen(lab: TcpLab, family: 4 | 6): Promise<string> {
  const [ourPort, theirPort] = [lab.port(), lab.port()];
  const address = ADDRESSES.link[family];
  const ours = await OurSocket.open(lab, family);
  const theirs = await lab.peer.socket(family);
  await ours.do((socket) => socket.bind({ port: ourPort }));
  await theirs.bind(address.kernel, theirPort);
  await lab.impaired({ delay: 60e6 }, () =>
    patient(
      Promise.all([ours.connect(address.kernel, theirPort), theirs.connect(address.ours, ourPort)]),
      10_000,
      () => `simultaneous open, ours in ${ours.socket.state}`,
    ),
  );
  await ours.send("hello");
  check((await theirs.recv()) === "hello", "the kernel reads what we send", "");
  await theirs.send("and you");
  check((await ours.recv()) === "and you", "we read what it sends", "");
  await ours.close();
  await theirs.close();
  return "established, and both are heard";
}

export const closeCases: readonly TcpCase[] = defineCases([
  ...ENDINGS.map(({ name, quick = false, run }, i) => ({
    name,
    quick,
    run: async (lab: TcpLab) => {
      const first = await ending(lab, i % 2 === 0 ? 4 : 6, "ours", run);
      const second = await ending(lab, i % 2 === 0 ? 6 : 4, "kernel", run);
      return first === second ? first : `${first}; ${second}`;
    },
  })),
  ...FAMILIES.flatMap((family) => [
    { name: `a closed port over IPv${family}`, quick: true, run: (lab: TcpLab) => refused(lab, family) },
    {
      name: `our TIME-WAIT takes a new connection over IPv${family}`,
      quick: family === 4,
      run: (lab: TcpLab) => reuseOurs(lab, family),
    },
    {
      name: `the kernel's TIME-WAIT takes a new connection of ours over IPv${family}`,
      run: (lab: TcpLab) => reuseKernels(lab, family),
    },
    {
      name: `simultaneous open over IPv${family}`,
      quick: family === 6,
      run: (lab: TcpLab) => simultaneousOpen(lab, family),
    },
  ]),
]);
