import { MSG_OOB } from "../../../../../packages/stack/src/tcp/index.ts";
import { check } from "../../../lib/suite.ts";
import { defineCases, type TcpCase } from "./cases.ts";
import { connectPair } from "./exchange.ts";
import type { TcpLab } from "./lab.ts";
import { errnoOf, pause } from "./our-socket.ts";

const KEEPALIVE = { SO_KEEPALIVE: 1, TCP_KEEPIDLE: 1, TCP_KEEPINTVL: 1, TCP_KEEPCNT: 2 };

/** Idle connections of both ends that probe live as long as the line does, and no longer. */
async function keepalive(lab: TcpLab): Promise<string> {
  const ours = await connectPair(lab, { family: 4, opener: "ours", ours: KEEPALIVE });
  const theirs = await connectPair(lab, { family: 6, opener: "kernel", theirs: KEEPALIVE });
  const before = await lab.peer.mib();
  try {
    await pause(2600);
    check(ours.ours.socket.state === "ESTABLISHED", "ours lives", ours.ours.socket.state);
    check((await theirs.theirs.info()).state === 1, "the kernel's lives", "");
    const probed = ((await lab.peer.mib()).TcpExtTCPKeepAlive ?? 0) - (before.TcpExtTCPKeepAlive ?? 0);
    check(probed >= 1, "the kernel probed, and we answered", String(probed));
    const began = performance.now();
    const ends = await lab.impaired({ loss: 1 }, () =>
      Promise.all([errnoOf(ours.ours.recv()), errnoOf(theirs.theirs.recv())]),
    );
    check(ends.join() === "ETIMEDOUT,ETIMEDOUT", "both give up", ends.join());
    return `alive for 2.6 s of silence; ETIMEDOUT ${((performance.now() - began) / 1000).toFixed(1)} s after the line went, both`;
  } finally {
    await ours.close();
    await theirs.close();
  }
}

/** RFC 5482: data that is not acknowledged for that long ends the connection. */
async function userTimeout(lab: TcpLab): Promise<string> {
  const options = { TCP_USER_TIMEOUT: 1000 };
  const ours = await connectPair(lab, { family: 6, opener: "ours", ours: options });
  const theirs = await connectPair(lab, { family: 4, opener: "kernel", theirs: options });
  try {
    const ends = await lab.impaired({ loss: 1 }, async () => {
      await ours.ours.send("heard by nobody");
      await theirs.theirs.send("heard by nobody");
      const times: number[] = [];
      const began = performance.now();
      const time = (code: string): string => {
        times.push((performance.now() - began) / 1000);
        return code;
      };
      const codes = await Promise.all([errnoOf(ours.ours.recv()).then(time), errnoOf(theirs.theirs.recv()).then(time)]);
      return { codes, times };
    });
    const told = `${ends.codes.join(", ")} after ${ends.times.map((each) => each.toFixed(2)).join(" and ")} s`;
    check(ends.codes.join() === "ETIMEDOUT,ETIMEDOUT" && ends.times.every((each) => each < 3), "both give up", told);
    return told;
  } finally {
    await ours.close();
    await theirs.close();
  }
}

async function urgentFromKernel(lab: TcpLab, inline: boolean): Promise<string> {
  const pair = await connectPair(lab, { opener: "kernel", ours: { SO_OOBINLINE: inline ? 1 : 0 } });
  try {
    const { ours, theirs } = pair;
    await theirs.send("before");
    await theirs.send("!", MSG_OOB);
    await theirs.send("after");
    await theirs.shutdown(1);
    await pause(100);
    const first = await ours.recv();
    check(first === "before", "a read stops at the mark", first);
    check(await ours.do((socket) => socket.atMark()), "we are at the mark", "");
    if (!inline) {
      const urgent = await ours.recv(1, MSG_OOB);
      check(urgent === "!", "the urgent byte is apart", urgent);
    }
    const rest = await ours.recvAll();
    check(rest === (inline ? "!after" : "after"), "the rest follows", rest);
    return inline ? "in line behind the mark" : "apart, by MSG_OOB";
  } finally {
    await pair.close();
  }
}

async function urgentFromUs(lab: TcpLab): Promise<string> {
  const pair = await connectPair(lab, { family: 6, opener: "ours" });
  try {
    const { ours, theirs } = pair;
    await ours.send("before");
    await ours.send("!", MSG_OOB);
    await ours.send("after");
    await ours.shutdown(1);
    await pause(100);
    const first = await theirs.recv();
    check(first === "before", "the kernel's read stops at the mark", first);
    const urgent = await theirs.recv(1, MSG_OOB);
    check(urgent === "!", "the urgent byte is apart", urgent);
    const rest = await theirs.recv();
    check(rest === "after", "the rest follows", rest);
    return "stopped at the mark, read apart by MSG_OOB";
  } finally {
    await pair.close();
  }
}

export const aliveCases: readonly TcpCase[] = defineCases([
  { name: "keepalive at both ends", quick: true, run: keepalive },
  { name: "user timeout at both ends", run: userTimeout },
  { name: "urgent data from the kernel, apart", quick: true, run: (lab) => urgentFromKernel(lab, false) },
  { name: "urgent data from the kernel, in line", run: (lab) => urgentFromKernel(lab, true) },
  { name: "urgent data from us", quick: true, run: urgentFromUs },
]);
