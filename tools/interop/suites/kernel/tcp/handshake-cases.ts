import { MSG_FASTOPEN, type TcpSocket } from "../../../../../packages/stack/src/tcp/index.ts";
import { check } from "../../../lib/suite.ts";
import { defineCases, FAMILIES, type TcpCase } from "./cases.ts";
import { connectPair, transfer } from "./exchange.ts";
import { ADDRESSES, type TcpLab } from "./lab.ts";
import { OurSocket } from "./our-socket.ts";

const TCPI_OPT_SYN_DATA = 32;
const REQUEST = "GET / HTTP/1.0\r\n\r\n";

/** Three requests by our client: the first brings a cookie, the others go with the SYN. */
async function fastOpenByUs(lab: TcpLab, family: 4 | 6): Promise<string> {
  return lab.configured({ kernel: { "net.ipv4.tcp_fastopen": 3 }, ours: { "net.ipv4.tcp_fastopen": 1 } }, async () => {
    const port = lab.port();
    const listener = await lab.peer.listen(family, port, { TCP_FASTOPEN: 16 });
    const before = await lab.peer.mib();
    const inSyn: boolean[] = [];
    for (let i = 0; i < 3; i++) {
      const client = await OurSocket.open(lab, family);
      const to = { address: ADDRESSES.link[family].kernel, port };
      const bytes = Buffer.from(REQUEST);
      const taken = await client.do((socket) => socket.send(bytes, MSG_FASTOPEN, to));
      const server = await listener.accept();
      if (taken < bytes.length) await client.send(REQUEST.slice(taken));
      check((await server.recv()) === REQUEST, "the kernel reads the request", "");
      await server.send("answer");
      await server.close();
      check((await client.recvAll()) === "answer", "we read the answer", "");
      inSyn.push(((await client.info()).options & TCPI_OPT_SYN_DATA) !== 0);
      await client.close();
    }
    await listener.close();
    const after = await lab.peer.mib();
    const passive = (after.TcpExtTCPFastOpenPassive ?? 0) - (before.TcpExtTCPFastOpenPassive ?? 0);
    const told = `with the SYN: ${inSyn.join(", ")}; the kernel's TCPFastOpenPassive +${passive}`;
    check(inSyn.join() === "false,true,true" && passive === 2, "the second and the third go with the SYN", told);
    return told;
  });
}

/** The same by the kernel's client; our server has the request before the handshake is done. */
async function fastOpenByKernel(lab: TcpLab, family: 4 | 6): Promise<string> {
  return lab.configured({ ours: { "net.ipv4.tcp_fastopen": 3 }, kernel: { "net.ipv4.tcp_fastopen": 1 } }, async () => {
    const port = lab.port();
    const listener = await OurSocket.listen(lab, family, port, { TCP_FASTOPEN: 16 });
    const before = await lab.peer.mib();
    const inSyn: boolean[] = [];
    const states: string[] = [];
    for (let i = 0; i < 3; i++) {
      const client = await lab.peer.socket(family);
      const sending = client.sendTo(REQUEST, MSG_FASTOPEN, ADDRESSES.link[family].ours, port);
      const server = await listener.accept();
      states.push(server.socket.state);
      await sending;
      check((await server.recv()) === REQUEST, "we read the request", "");
      await server.send("answer");
      check((await client.recv()) === "answer", "the kernel reads the answer", "");
      inSyn.push((((await client.info()).options ?? 0) & TCPI_OPT_SYN_DATA) !== 0);
      await server.close();
      await client.close();
    }
    await listener.close();
    const after = await lab.peer.mib();
    const active = (after.TcpExtTCPFastOpenActive ?? 0) - (before.TcpExtTCPFastOpenActive ?? 0);
    const told = `with the SYN: ${inSyn.join(", ")}; the kernel's TCPFastOpenActive +${active}; accepted in ${states.join(", ")}`;
    check(inSyn.join() === "false,true,true" && active === 2, "the second and the third go with the SYN", told);
    return told;
  });
}

/** Every handshake by cookie: options survive in the timestamp. */
async function cookies(lab: TcpLab, opener: "ours" | "kernel", family: 4 | 6): Promise<string> {
  const where = opener === "ours" ? "kernel" : "ours";
  return lab.configured({ [where]: { "net.ipv4.tcp_syncookies": 2 } }, async () => {
    const pair = await connectPair(lab, { opener, family });
    try {
      const { ours, theirs } = await transfer(pair, opener, 1 << 20);
      const told = `options ours ${ours.options}, kernel ${theirs.options ?? 0}; MSS ours ${ours.snd_mss}, kernel ${theirs.snd_mss ?? 0}; shifts ${ours.snd_wscale}/${ours.rcv_wscale}, ${theirs.snd_wscale ?? 0}/${theirs.rcv_wscale ?? 0}`;
      check(
        (ours.options & 7) === 7 && ((theirs.options ?? 0) & 7) === 7,
        "timestamps, SACK and scaling at both ends",
        told,
      );
      check(
        ours.snd_wscale === theirs.rcv_wscale && ours.rcv_wscale === theirs.snd_wscale,
        "both know both shifts",
        told,
      );
      return told;
    } finally {
      await pair.close();
    }
  });
}

const CROWD = 48;

/** Answers in capitals what comes first, and closes. */
function inCapitals(socket: TcpSocket): void {
  const work = (): void => {
    const text = socket.closed ? undefined : socket.recv();
    if (text === undefined) return;
    socket.send(Buffer.from(Buffer.from(text).toString("latin1").toUpperCase()));
    socket.close();
  };
  socket.onReady = work;
  work();
}

/** More handshakes at once than the backlog holds: cookies for the rest, and each connection works. */
async function pressureOnUs(lab: TcpLab): Promise<string> {
  const port = lab.port();
  const before = lab.host.mib.extra.get("TcpExt")?.SyncookiesSent ?? 0;
  const listener = await OurSocket.listen(lab, 4, port, {}, 4);
  const clients = await Promise.all(Array.from({ length: CROWD }, () => lab.peer.socket(4)));
  await listener.do((socket) => {
    socket.onReady = () => {
      for (let server = socket.accept(); server !== undefined; server = socket.accept()) inCapitals(server);
    };
  });
  await lab.impaired({ delay: 50e6 }, async () => {
    await Promise.all(clients.map((client) => client.connect(ADDRESSES.link[4].ours, port)));
    await Promise.all(clients.map((client, i) => client.send(`client ${i}`)));
    const answers = await Promise.all(clients.map((client) => client.recv()));
    answers.forEach((answer, i) => check(answer === `CLIENT ${i}`, `client ${i} is answered`, answer));
  });
  await Promise.all(clients.map((client) => client.close()));
  await listener.close();
  const sent = (lab.host.mib.extra.get("TcpExt")?.SyncookiesSent ?? 0) - before;
  check(sent > 0, "cookies were sent", String(sent));
  return `${CROWD} connections at once on a backlog of 4, all answered; ${sent} SYN cookies sent`;
}

async function pressureOnKernel(lab: TcpLab): Promise<string> {
  const port = lab.port();
  const before = await lab.peer.mib();
  const listener = await lab.peer.listen(4, port, {}, 4);
  const served = listener.serve(CROWD);
  const clients = await Promise.all(Array.from({ length: CROWD }, () => OurSocket.open(lab, 4)));
  await lab.impaired({ delay: 50e6 }, async () => {
    await Promise.all(clients.map((client) => client.connect(ADDRESSES.link[4].kernel, port)));
    await Promise.all(clients.map((client, i) => client.send(`client ${i}`)));
    const answers = await Promise.all(clients.map((client) => client.recv()));
    answers.forEach((answer, i) => check(answer === `CLIENT ${i}`, `client ${i} is answered`, answer));
  });
  await served;
  await Promise.all(clients.map((client) => client.close()));
  await listener.close();
  const after = await lab.peer.mib();
  const sent = (after.TcpExtSyncookiesSent ?? 0) - (before.TcpExtSyncookiesSent ?? 0);
  const good = (after.TcpExtSyncookiesRecv ?? 0) - (before.TcpExtSyncookiesRecv ?? 0);
  check(sent > 0 && good > 0, "cookies were sent, and came back", `${sent}, ${good}`);
  return `${CROWD} connections at once on a backlog of 4, all answered; the kernel sent ${sent} SYN cookies and had ${good} back`;
}

export const handshakeCases: readonly TcpCase[] = defineCases([
  ...FAMILIES.flatMap((family) => [
    { name: `Fast Open by our client over IPv${family}`, quick: true, run: (lab: TcpLab) => fastOpenByUs(lab, family) },
    {
      name: `Fast Open by the kernel's client over IPv${family}`,
      quick: true,
      run: (lab: TcpLab) => fastOpenByKernel(lab, family),
    },
    { name: `our SYN cookies over IPv${family}`, quick: true, run: (lab: TcpLab) => cookies(lab, "kernel", family) },
    { name: `the kernel's SYN cookies over IPv${family}`, run: (lab: TcpLab) => cookies(lab, "ours", family) },
  ]),
  { name: "SYN cookies by pressure on our backlog", quick: true, run: pressureOnUs },
  { name: "SYN cookies by pressure on the kernel's backlog", run: pressureOnKernel },
]);
