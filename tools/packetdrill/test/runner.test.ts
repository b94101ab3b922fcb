import { describe, expect, test } from "vitest";
import { runOnFake, SERVER } from "./run-on-fake.ts";

/** Lines of `SERVER`, so that a line of what follows can be named. */
const BEFORE = SERVER.split("\n").length - 1;

describe("a script that goes as it says", () => {
  test("passes: handshake, data both ways, close", () => {
    const report = runOnFake(`${SERVER}+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.1 < P. 1:501(500) ack 1001 win 257
+0 > . 1001:1001(0) ack 501
+0 read(4, ..., 1000) = 500
+0 close(4) = 0
+0 > F. 1001:1001(0) ack 501
`);
    expect(report).toMatchObject({ result: "passed" });
  });

  test("maps the ISN on the wire to the script's 0 in both directions", () => {
    const { result, system } = runOnFake(`${SERVER}+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1
+0 < . 1:1(0) ack 11 win 257 <sack 1:11,nop,nop>
`);
    expect(result).toBe("passed");
    const last = system.received.at(-1)?.body;
    expect(last).toMatchObject({ protocol: "tcp", ack: (0x89ab_cdef + 11) >>> 0 });
  });

  test("connects actively, and takes the local port from the SYN", () => {
    expect(
      runOnFake(`0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <mss 1460>
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460>
+0 > . 1:1(0) ack 1
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0`),
    ).toMatchObject({ result: "passed" });
  });

  test("waits for a retransmission a second later", () => {
    const script = (time: string): string => `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <...>
${time} > S 0:0(0) <...>`;
    expect(runOnFake(script("+1")).result).toBe("passed");
    expect(runOnFake(script("1.0")).result).toBe("passed");
    expect(runOnFake(script("*")).result).toBe("passed");
    expect(runOnFake(script("+.9~+1.1")).result).toBe("passed");
    expect(runOnFake(script(".9~1.1")).result).toBe("passed");
    expect(runOnFake(script("+1.2"), {}).result).toBe("failed");
    expect(runOnFake(script("+.5")).result).toBe("failed");
  });
});

describe("a script that should fail, fails at its line", () => {
  test("other flags: expected and actual packet in packetdrill's notation", () => {
    const report = runOnFake(`${SERVER}+0 write(4, ..., 1000) = 1000
+0 > FP. 1:1001(1000) ack 1
`);
    expect(report).toMatchObject({
      result: "failed",
      line: BEFORE + 2,
      reason: "the flags differ",
      expected: "+0 > FP. 1:1001(1000) ack 1",
      actual: "0.100000 > P. 1:1001(1000) ack 1",
    });
  });

  test.each([
    ["sequence number", "> P. 2:1002(1000) ack 1", "sequence number 1 instead of 2"],
    ["length", "> P. 1:901(900) ack 1", "payload length 1000 instead of 900"],
    ["acknowledgment number", "> P. 1:1001(1000) ack 2", "acknowledgment number 1 instead of 2"],
    ["window", "> P. 1:1001(1000) ack 1 win 1000", "window 65535 instead of 1000"],
    ["urgent pointer", "> P. 1:1001(1000) ack 1 urg 3", "urgent pointer 0 instead of 3"],
    ["options", "> P. 1:1001(1000) ack 1 <nop,nop,sack 1:2>", "the options differ"],
    ["ECN", "> [ect0] P. 1:1001(1000) ack 1", "ECN 0 instead of 2"],
    ["TTL", "> (ttl 3) P. 1:1001(1000) ack 1", "TTL 64 instead of 3"],
    ["UDP encapsulation", "> P. 1:1001(1000) ack 1 /udp(9899 > 9899)", "it is not in a UDP datagram"],
  ])("another %s", (_, line, reason) => {
    const report = runOnFake(`${SERVER}+0 write(4, ..., 1000) = 1000\n+0 ${line}\n`);
    expect(report).toMatchObject({ result: "failed", line: BEFORE + 2, reason });
  });

  test("a packet that does not come", () => {
    const report = runOnFake(`${SERVER}+0 > P. 1:1001(1000) ack 1\n`);
    expect(report).toMatchObject({ result: "failed", line: BEFORE + 1 });
    expect(report.reason).toContain("no packet went out");
  });

  test("a packet that nobody expected shows at the next outbound line", () => {
    const report = runOnFake(`${SERVER}+0 write(4, ..., 10) = 10
+.1 < . 1:1(0) ack 1 win 257
+0 write(4, ..., 20) = 20
+0 > P. 11:31(20) ack 1
`);
    expect(report).toMatchObject({ result: "failed", line: BEFORE + 4, actual: "0.100000 > P. 1:11(10) ack 1" });
  });

  test("a call that returns something else", () => {
    expect(runOnFake(`${SERVER}+0 write(4, ..., 1000) = 900\n`)).toMatchObject({
      result: "failed",
      line: BEFORE + 1,
      expected: "write(4, ..., 1000) = 900",
      actual: "write(4, ..., 1000) = 1000",
    });
  });

  test("a call that fails with another errno", () => {
    const script = `${SERVER}+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n+0 read(4, ..., 10) = -1 EPIPE (Broken pipe)\n`;
    expect(runOnFake(script)).toMatchObject({
      result: "failed",
      line: BEFORE + 2,
      actual: "read(4, ..., 10) = -1 EAGAIN",
    });
  });

  test("a call that blocks although no end is given", () => {
    expect(runOnFake(`${SERVER}+0 read(4, ..., 10) = 10\n`)).toMatchObject({
      result: "failed",
      line: BEFORE + 1,
      reason: "read blocks",
    });
  });

  test("an assertion that is false, with its values", () => {
    expect(
      runOnFake(`${SERVER}+0 %{\nx = 3\nassert tcpi_snd_cwnd == x, 'cwnd=%d' % tcpi_snd_cwnd\n}%\n`),
    ).toMatchObject({
      result: "failed",
      line: BEFORE + 3,
      reason: "assert tcpi_snd_cwnd == x failed: cwnd=10",
      actual: "tcpi_snd_cwnd=10 x=3",
    });
  });

  test("a socket option with another value", () => {
    const script = `${SERVER}+0 setsockopt(4, SOL_SOCKET, SO_RCVBUF, [1000], 4) = 0\n+0 getsockopt(4, SOL_SOCKET, SO_RCVBUF, [2000], [4]) = 0\n`;
    expect(runOnFake(script)).toMatchObject({
      result: "failed",
      line: BEFORE + 2,
      reason: "SO_RCVBUF is 1000 instead of 2000",
    });
  });

  test("a command that fails", () => {
    expect(runOnFake(`${SERVER}+0 \`sockstat -4 | grep -c ESTABLISHED | grep 1\`\n`)).toMatchObject({
      result: "failed",
      line: BEFORE + 1,
    });
  });

  test("a world that is not clean at the end", () => {
    const report = runOnFake(SERVER, { prepare: (system) => system.problems.push("2 packets leaked") });
    expect(report).toMatchObject({ result: "failed", reason: "2 packets leaked" });
  });

  test("an inbound ecr that no outbound segment gave", () => {
    const report = runOnFake(`${SERVER}+0 < . 1:1(0) ack 1 win 257 <nop,nop,TS val 5 ecr 77>\n`);
    expect(report).toMatchObject({ result: "failed", line: BEFORE + 1 });
  });
});

describe("what is not done is unsupported, by name", () => {
  test.each([
    ["+0 sendfile(4, 5, [0], 10) = 10", "sendfile()"],
    ["+0 < sctp: INIT[flgs=0, tag=1, a_rwnd=1500, os=1, is=1, tsn=1]", "sctp packets"],
    ["+0 `iptables -A INPUT -j DROP`", "command iptables"],
    ["+0 %{ import os }%", "code: the statement import is not understood"],
    ["+0 send(4, ..., 10, MSG_ZEROCOPY) = 10", "MSG_ZEROCOPY"],
    ["+0 `sysctl -q net.unknown.setting=1`", "sysctl net.unknown.setting"],
    ["+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [SOMETHING], 4) = 0", "constant SOMETHING"],
  ])("%s", (line, feature) => {
    expect(runOnFake(`${SERVER}${line}\n`)).toMatchObject({ result: "unsupported", reason: feature });
  });

  test("an option at the top", () => {
    expect(runOnFake(`--wire_client\n${SERVER}`)).toMatchObject({
      result: "unsupported",
      reason: "option --wire_client",
    });
  });
});

describe("blocking calls", () => {
  test("accept and read return when their packets come", () => {
    expect(
      runOnFake(`0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0...0.200 accept(3, ..., ...) = 4
+.1 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 257
+.1...0.200 read(4, ..., 2000) = 100
+.1 < P. 1:101(100) ack 1 win 257
+0 > . 1:1(0) ack 101
+0 < P. 101:201(100) ack 1 win 257
+0 > . 1:1(0) ack 201
+0...0.000 read(4, ..., 100) = 100
`),
    ).toMatchObject({ result: "passed" });
  });

  test("the end of a relative call counts from the line before, of an absolute one from the beginning", () => {
    const script = (line: string): string => `${SERVER}${line}
+.1 < P. 1:101(100) ack 1 win 257
+0 > . 1:1(0) ack 101`;
    expect(runOnFake(script("+0...0.100 read(4, ..., 2000) = 100")).result).toBe("passed");
    expect(runOnFake(script("+0...0.150 read(4, ..., 2000) = 100")).result).toBe("failed");
    expect(runOnFake(script("0.1...0.200 read(4, ..., 2000) = 100")).result).toBe("passed");
  });

  test("connect returns when the handshake is done", () => {
    expect(
      runOnFake(`0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+.1...0.200 connect(3, ..., ...) = 0
+0 > S 0:0(0) <mss 1460>
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460>
+0 > . 1:1(0) ack 1`),
    ).toMatchObject({ result: "passed" });
  });

  test("write goes on when there is room, and counts everything", () => {
    const report = runOnFake(
      `${SERVER}+0...0.100 write(4, ..., 3000) = 3000
+0 > P. 1:1001(1000) ack 1
+.1 < . 1:1(0) ack 1001 win 257
+0 > . 1001:2001(1000) ack 1
+0 > P. 2001:3001(1000) ack 1
`,
      {
        prepare(system) {
          system.after(100_000_000, () => (system.sockets.at(-1)!.room = 1000));
        },
      },
    );
    expect(report).toMatchObject({ result: "passed" });
  });

  test("a call that never returns fails at its own line", () => {
    expect(runOnFake(`${SERVER}+0...1 read(4, ..., 2000) = 100\n`)).toMatchObject({
      result: "failed",
      line: BEFORE + 1,
      reason: "read has not returned",
    });
  });

  test("poll waits, and its timeout ends it", () => {
    expect(
      runOnFake(`${SERVER}+0...0.050 poll([{fd=4, events=POLLIN, revents=0}], 1, 50) = 0
+.05...0.250 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 1000) = 1
`),
    ).toMatchObject({ result: "failed", line: BEFORE + 2 });
    expect(runOnFake(`${SERVER}+0...0.050 poll([{fd=4, events=POLLIN, revents=0}], 1, 50) = 0\n`).result).toBe(
      "passed",
    );
  });
});

describe("super-segments", () => {
  const write = `${SERVER}+0 write(4, ..., 3000) = 3000\n`;

  test("one line stands for a run of segments", () => {
    expect(runOnFake(`${write}+0 > P. 1:3001(3000) ack 1\n`).result).toBe("passed");
  });

  test("several lines stand for one super-packet", () => {
    const lines = "+0 > . 1:1001(1000) ack 1\n+0 > . 1001:2001(1000) ack 1\n+0 > P. 2001:3001(1000) ack 1\n";
    expect(runOnFake(write + lines, { prepare: (system) => system.setSegmentationOffload(true) }).result).toBe(
      "passed",
    );
  });

  test("cuts lie only where segments end", () => {
    const report = runOnFake(`${write}+0 > . 1:1501(1500) ack 1\n`, {
      prepare: (system) => system.setSegmentationOffload(true),
    });
    expect(report).toMatchObject({ result: "failed", reason: "the flags differ" });
  });

  test("a run that is too short fails with what there was", () => {
    expect(runOnFake(`${write}+0 > P. 1:4001(4000) ack 1\n`)).toMatchObject({
      result: "failed",
      actual: "0.100000 > P. 1:3001(3000) ack 1",
    });
  });
});

describe("strict and lenient", () => {
  const write = `${SERVER}+0 write(4, ..., 10) = 10\n`;

  test.each([
    ["PSH", "+0 > . 1:11(10) ack 1"],
    ["window", "+0 > P. 1:11(10) ack 1 win 77"],
  ])("%s matters only if strict", (_, line) => {
    expect(runOnFake(`${write}${line}\n`).result).toBe("failed");
    expect(runOnFake(`${write}${line}\n`, { lenient: true }).result).toBe("passed");
  });

  test("padding of options matters only if strict; their values always", () => {
    const padded = SERVER.replace("ack 1 <mss 1460>", "ack 1 <nop,nop,mss 1460,nop,nop>");
    expect(runOnFake(padded).result).toBe("failed");
    expect(runOnFake(padded, { lenient: true }).result).toBe("passed");
    expect(runOnFake(SERVER.replace("ack 1 <mss 1460>", "ack 1 <mss 1400>"), { lenient: true }).result).toBe("failed");
  });

  test("a longer tolerance lets a late packet through", () => {
    const late = `${SERVER}+.01 > P. 1:11(10) ack 1\n`;
    const prepare = (system: {
      after: (delay: number, run: () => void) => void;
      sockets: { send: (data: Uint8Array, options: never) => number }[];
    }): void => {
      system.after(125_000_000, () =>
        system.sockets.at(-1)!.send(
          Uint8Array.from({ length: 10 }, (_, i) => i),
          { flags: new Set() } as never,
        ),
      );
    };
    expect(runOnFake(late, { prepare }).result).toBe("failed");
    expect(runOnFake(late, { prepare, toleranceUsecs: 20_000 }).result).toBe("passed");
  });
});

describe("content", () => {
  test("bytes on the wire that are not those written fail", () => {
    const report = runOnFake(`${SERVER}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n`, {
      prepare(system) {
        const emit = system.emit.bind(system);
        system.emit = (to, tcp, gso) =>
          emit(to, tcp.payload?.length === 10 ? { ...tcp, payload: new Uint8Array(10) } : tcp, gso);
      },
    });
    expect(report).toMatchObject({ result: "failed", reason: "byte 1 of the payload is not the one that was written" });
  });

  test("a text that the script writes is sent as it stands", () => {
    expect(runOnFake(`${SERVER}+0 write(4, "hello", 5) = 5\n+0 > P. 1:6(5) ack 1\n`).result).toBe("passed");
  });

  test("bytes that were read must be those that the peer sent", () => {
    const wrong = runOnFake(
      `${SERVER}+0 < P. 11:21(10) ack 1 win 257\n+0 > . 1:1(0) ack 1\n+0 < P. 1:11(10) ack 1 win 257\n+0 > . 1:1(0) ack 11\n+0 read(4, ..., 20) = 10\n`,
    );
    expect(wrong.result).toBe("passed");
  });
});

describe("Python of a whole script", () => {
  test("variables last from snippet to snippet", () => {
    const report = runOnFake(
      `${SERVER}+0 %{ cwnd = tcpi_snd_cwnd }%\n+0 %{ cwnd += 10; print(cwnd) }%\n+0 %{ assert cwnd == 20 }%\n`,
    );
    expect(report).toMatchObject({ result: "passed", printed: ["20"] });
  });
});

describe("epoll", () => {
  test("reports levels again and edges once", () => {
    const script = (events: string, second: number): string => `${SERVER}+0 epoll_create(1) = 5
+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=${events}, fd=4}) = 0
+0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 0
+0 < P. 1:11(10) ack 1 win 257
+0 > . 1:1(0) ack 11
+0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1
+0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = ${second}
+0 < P. 11:21(10) ack 1 win 257
+0 > . 1:1(0) ack 21
+0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1
`;
    expect(runOnFake(script("EPOLLIN", 1))).toMatchObject({ result: "passed" });
    expect(runOnFake(script("EPOLLIN|EPOLLET", 0))).toMatchObject({ result: "passed" });
    expect(runOnFake(script("EPOLLIN|EPOLLET", 1))).toMatchObject({ result: "failed", line: BEFORE + 7 });
  });
});
