import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../../../testing/needs.ts";
import { inNetns, start } from "../../../lib/netns-programs.ts";
import { check, median, Skip } from "../../../lib/suite.ts";
import { defineCases, FAMILIES, type TcpCase } from "./cases.ts";
import { connectPair, type Opener } from "./exchange.ts";
import { ADDRESSES, type TcpLab } from "./lab.ts";
import { OurSocket, pause } from "./our-socket.ts";
import { startResponder } from "./responder.ts";
import { splice } from "./splice.ts";
import { Source } from "./stream.ts";

const MIB = 1 << 20;

function needs(program: string): void {
  const reason = command(program);
  if (reason !== undefined) throw new Skip(reason);
}

async function inDirectory<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), "seville-kernel-tcp-"));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function bytesOf(seed: string, bytes: number): Buffer {
  const source = new Source(seed, bytes);
  const parts: Uint8Array[] = [];
  while (source.left > 0) {
    const part = source.next();
    parts.push(part);
    source.took(part.length);
  }
  return Buffer.concat(parts);
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Two downloads on one connection, and an upload. */
async function curl(lab: TcpLab, family: 4 | 6, loss: number): Promise<string> {
  needs("curl");
  const size = loss > 0 ? MIB : 8 * MIB;
  const port = lab.port(false);
  const responder = await lab.inWorld(() => startResponder(lab.host, port));
  const { ours } = ADDRESSES.link[family];
  const url = `http://${family === 6 ? `[${ours}]` : ours}:${port}`;
  try {
    return await inDirectory(async (directory) => {
      const [one, two, up] = ["one", "two", "up"].map((name) => join(directory, name)) as [string, string, string];
      await writeFile(up, bytesOf("upload", size));
      await lab.impaired({ loss }, async () => {
        await inNetns(lab.netns, [
          "curl",
          "-sS",
          "--fail",
          "-m",
          "60",
          `${url}/${size}`,
          "-o",
          one,
          `${url}/77`,
          "-o",
          two,
        ]);
      });
      const answer = await lab.impaired({ loss }, () =>
        inNetns(lab.netns, ["curl", "-sS", "--fail", "-m", "60", "-T", up, `${url}/`]),
      );
      const got = [sha256(await readFile(one)), sha256(await readFile(two))];
      check(
        got.join() === responder.hashes.join(),
        "curl has what we sent",
        `${got.join()}\n${responder.hashes.join()}`,
      );
      check(answer.trim() === sha256(await readFile(up)), "we have what curl sent", answer);
      return `${responder.requests.length} requests, ${size} bytes down and up, SHA-256 ${got[0]?.slice(0, 12) ?? ""}…`;
    });
  } finally {
    await lab.inWorld(() => responder.close());
  }
}

/** Our client asks python's HTTP server. */
async function httpServer(lab: TcpLab, family: 4 | 6): Promise<string> {
  const port = lab.port(false);
  const { kernel } = ADDRESSES.link[family];
  return inDirectory(async (directory) => {
    const file = bytesOf("file", 4 * MIB);
    await writeFile(join(directory, "file"), file);
    const words = ["python3", "-u", "-m", "http.server", "--bind", kernel, "--directory", directory, String(port)];
    const server = start(lab.netns, words);
    try {
      await server.printed("Serving");
      const client = await OurSocket.open(lab, family);
      await client.connect(kernel, port);
      await client.send(`GET /file HTTP/1.0\r\nHost: kernel\r\n\r\n`);
      const answer = Buffer.from(await client.recvAll(), "latin1");
      await client.close();
      const at = answer.indexOf("\r\n\r\n");
      const head = answer.subarray(0, at).toString("latin1");
      check(head.startsWith("HTTP/1.0 200"), "the file is there", head);
      check(sha256(answer.subarray(at + 4)) === sha256(file), "it is what is in the file", `${answer.length} bytes`);
      return `${file.length} bytes, SHA-256 ${sha256(file).slice(0, 12)}…`;
    } finally {
      server.stop("SIGKILL");
      await server.ended;
    }
  });
}

/** Each key is echoed before the next: what ssh does. On a line of 40 ms, without Nagle's delay or a delayed acknowledgment's. */
async function echo(lab: TcpLab, opener: Opener, typist: Opener, family: 4 | 6): Promise<string> {
  const options = { TCP_NODELAY: 1 };
  const pair = await connectPair(lab, { family, opener, ours: options, theirs: options });
  try {
    const { ours, theirs } = pair;
    const times = await lab.impaired({ delay: 20e6 }, async () => {
      if (typist === "kernel") {
        const stopped = (async () => {
          for (let text = await ours.recv(); text !== ""; text = await ours.recv()) await ours.send(text);
        })();
        const typed = await theirs.type(25, 0.005);
        await theirs.shutdown(1);
        await stopped;
        return typed;
      }
      const echoing = theirs.echo();
      const typed: number[] = [];
      for (let i = 0; i < 25; i++) {
        const began = performance.now();
        const key = String.fromCharCode(97 + (i % 26));
        await ours.send(key);
        const back = await ours.recv(1);
        check(back === key, "the same character comes back", back);
        typed.push(performance.now() - began);
        await pause(5);
      }
      await ours.shutdown(1);
      check((await echoing) === 25, "25 came there", "");
      return typed;
    });
    const told = `median ${median(times).toFixed(1)} ms, ${Math.min(...times).toFixed(1)} to ${Math.max(...times).toFixed(1)} ms (the line: 40 ms)`;
    check(
      median(times) >= 39.9 && median(times) < 80,
      "an echo takes a round trip, and not the 40 ms of a delayed acknowledgment",
      told,
    );
    return told;
  } finally {
    await pair.close();
  }
}

/** iperf3 ↔ our TCP ↔ our TCP ↔ iperf3: what our sockets take from the one, they pass on to the other. */
async function iperf(lab: TcpLab, family: 4 | 6, words: readonly string[], seconds: number): Promise<string> {
  needs("iperf3");
  const [near, far] = [lab.port(false), lab.port(false)];
  const { ours } = ADDRESSES.fast[family];
  const { kernel } = ADDRESSES.link[family];
  const joint = await lab.inWorld(() => splice(lab.host, near, { address: kernel, port: far }));
  const server = start(lab.netns, ["iperf3", "-s", "-1", "-B", kernel, "-p", String(far), "--forceflush"]);
  try {
    await server.printed("listening");
    const client = start(lab.netns, ["iperf3", "-J", "-c", ours, "-p", String(near), "-t", String(seconds), ...words]);
    const { output } = await client.ended;
    const report = JSON.parse(output) as Report;
    check(report.error === undefined, "iperf3 is content", report.error ?? "");
    const { sum_sent, sum_received, sum_received_bidir_reverse: back } = report.end;
    const told = `${(sum_received.bits_per_second / 1e6).toFixed(0)} Mbit/s${back === undefined ? "" : ` and back ${(back.bits_per_second / 1e6).toFixed(0)} Mbit/s`}, ${sum_sent.retransmits ?? 0} retransmissions by the kernel; ${joint.connections} connections, ${(joint.bytes / 1e6).toFixed(0)} MB passed on`;
    check(sum_received.bytes > MIB * seconds && joint.bytes >= sum_received.bytes, "data flows", told);
    return told;
  } finally {
    server.stop("SIGKILL");
    await server.ended;
    await lab.inWorld(() => joint.close());
  }
}

interface Sum {
  readonly bytes: number;
  readonly bits_per_second: number;
  readonly retransmits?: number;
}

interface Report {
  readonly error?: string;
  readonly end: { readonly sum_sent: Sum; readonly sum_received: Sum; readonly sum_received_bidir_reverse?: Sum };
}

const IPERF: readonly (readonly [name: string, words: readonly string[], quick: boolean])[] = [
  ["to the server", [], true],
  ["from the server", ["-R"], false],
  ["four at once", ["-P", "4"], false],
  ["both ways at once", ["--bidir"], true],
];

export const programCases: readonly TcpCase[] = defineCases([
  ...FAMILIES.flatMap((family) => [
    {
      name: `curl from and to our HTTP server over IPv${family}`,
      quick: family === 4,
      run: (lab: TcpLab) => curl(lab, family, 0),
    },
    {
      name: `curl from and to our HTTP server over IPv${family}, 2 % lost`,
      run: (lab: TcpLab) => curl(lab, family, 0.02),
    },
    {
      name: `our client and python's HTTP server over IPv${family}`,
      quick: family === 6,
      run: (lab: TcpLab) => httpServer(lab, family),
    },
  ]),
  ...(["ours", "kernel"] as const).flatMap((opener) =>
    (["ours", "kernel"] as const).map((typist) => ({
      name: `interactive echo, ${opener === "ours" ? "our" : "the kernel's"} connect, typed ${typist === "ours" ? "by us" : "at the kernel's end"}`,
      quick: opener !== typist,
      run: (lab: TcpLab) => echo(lab, opener, typist, opener === "ours" ? 4 : 6),
    })),
  ),
  ...IPERF.map(([name, words, quick], i) => ({
    name: `iperf3 through two connections of ours: ${name}`,
    quick,
    run: (lab: TcpLab, options: { readonly quick: boolean }) =>
      iperf(lab, i % 2 === 0 ? 4 : 6, words, options.quick ? 1 : 5),
  })),
]);
