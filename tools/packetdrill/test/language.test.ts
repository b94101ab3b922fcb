import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ScriptError } from "../language/errors.ts";
import { formatExpression } from "../language/expression.ts";
import { parseScript } from "../language/parse.ts";
import type { Action, CallLine, PacketLine, ScriptEvent } from "../language/script.ts";
import { ACK, AE, CWR, ECE, FIN, formatTcpFlags, PSH, RST, SYN, URG } from "../language/tcp-flags.ts";
import type { TcpSpec } from "../language/tcp-line.ts";
import { formatPacketLine } from "../wire/format.ts";

function parse(text: string, defined: string[] = []): ScriptEvent[] {
  return [...parseScript(text, "test.pkt", new Set(defined)).events];
}

function action(line: string): Action {
  return parse(`0 ${line}`)[0]!.action;
}

function tcp(line: string): TcpSpec {
  const found = action(line);
  if (found.kind !== "packet" || found.body.protocol !== "tcp") throw new Error(`not a TCP packet: ${line}`);
  return found.body;
}

function call(line: string): CallLine {
  const found = action(line);
  if (found.kind !== "call") throw new Error(`not a call: ${line}`);
  return found;
}

function errorOf(text: string): ScriptError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ScriptError) return error;
    throw error;
  }
  throw new Error("it parses");
}

describe("times", () => {
  test.each([
    ["0", { kind: "absolute", at: 0 }],
    ["1.5", { kind: "absolute", at: 1_500_000 }],
    ["+0", { kind: "relative", at: 0 }],
    ["+.1", { kind: "relative", at: 100_000 }],
    ["+0.000001", { kind: "relative", at: 1 }],
    [".3~.310", { kind: "absolute-range", at: 300_000, until: 310_000 }],
    ["+.3~+.310", { kind: "relative-range", at: 300_000, until: 310_000 }],
    ["*", { kind: "any" }],
  ])("%s", (text, time) => {
    expect(parse(`${text} > . 1:1(0) ack 1`)[0]?.time).toEqual(time);
  });

  test("a range ends after it begins", () => {
    expect(errorOf("+.3~+.2 > . 1:1(0) ack 1").message).toContain("ends before it begins");
  });

  test("ranges and * are for outbound packets", () => {
    expect(errorOf("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+.1~+.2 close(3) = 0").line).toBe(2);
    expect(errorOf("* < . 1:1(0) ack 1 win 1").message).toContain("outbound");
  });
});

describe("TCP packets", () => {
  test("all of a segment", () => {
    expect(tcp("< FP. 1:11(10) ack 3 win 5 urg 7 <nop,nop,TS val 1 ecr 2>")).toEqual({
      protocol: "tcp",
      ports: undefined,
      flags: FIN | PSH | ACK,
      ace: false,
      seq: 1,
      length: 10,
      absoluteSeq: false,
      ack: 3,
      window: 5,
      urgent: 7,
      options: [{ kind: "nop" }, { kind: "nop" }, { kind: "TS", val: 1, ecr: 2 }],
      absoluteEcr: false,
      encapsulation: undefined,
      resetReason: undefined,
    });
  });

  test.each([
    ["S", SYN, false],
    ["SEW", SYN | ECE | CWR, false],
    ["SEWA", SYN | ECE | CWR | AE, false],
    ["S.", SYN | ACK, false],
    ["SA.", SYN | ACK | AE, false],
    ["R.", RST | ACK, false],
    ["PU.", PSH | URG | ACK, false],
    [".", ACK, false],
    ["-", 0, false],
    [".5", ACK | AE | ECE, true],
    ["P.2", PSH | ACK | CWR, true],
    ["F.0", FIN | ACK, true],
  ])("flags %s", (text, flags, ace) => {
    expect(tcp(`> ${text} 1:1(0) ack 1`)).toMatchObject({ flags, ace });
  });

  test("RFC 9768 §2.1: flags and ACE survive being printed and read", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x1ff }), fc.boolean(), (bits, ace) => {
        // An ACE digit stands behind the dot of ACK.
        const flags = ace ? bits | ACK : bits;
        expect(tcp(`> ${formatTcpFlags(flags, ace)} 1:1(0) ack 1`)).toMatchObject({ flags, ace });
      }),
    );
  });

  test("any sequence number, an absolute one, no ack, no window", () => {
    expect(tcp("> S. ...(0) ack 5")).toMatchObject({ seq: undefined, length: 0 });
    expect(tcp("< S 7:7(0)! win 3")).toMatchObject({ seq: 7, absoluteSeq: true });
    expect(tcp("> R 1:1(0)")).toMatchObject({ ack: undefined, window: undefined, options: [] });
  });

  test("sequence numbers agree with the payload, also past 2^32", () => {
    expect(errorOf("0 > . 1:10(10) ack 1").message).toContain("do not agree");
    expect(tcp("> . 4294967295:4(5) ack 1")).toMatchObject({ seq: 4_294_967_295, length: 5 });
  });

  test("ports of UDP encapsulation", () => {
    expect(tcp("> . 1:1(0) ack 1 win 5 /udp(9899 > 54321)")).toMatchObject({
      encapsulation: { source: 9899, destination: 54_321 },
    });
  });

  test("wildcards are for outbound packets", () => {
    expect(errorOf("0 < S 0:0(0) win 5 <...>").message).toContain("outbound");
    expect(errorOf("0 < S ...(0) win 5").message).toContain("outbound");
    expect(errorOf("0 <[ect01] . 1:1(0) ack 1 win 5").message).toContain("outbound");
  });
});

describe("TCP options", () => {
  test.each([
    ["<...>", undefined],
    [
      "<mss 1460,sackOK,nop,wscale 7>",
      [{ kind: "mss", value: 1460 }, { kind: "sackOK" }, { kind: "nop" }, { kind: "wscale", value: 7 }],
    ],
    ["<eol,eol>", [{ kind: "eol" }, { kind: "eol" }]],
    [
      "<sack 1:2 3:4>",
      [
        {
          kind: "sack",
          blocks: [
            [1, 2],
            [3, 4],
          ],
        },
      ],
    ],
    ["<TS val ... ecr 7>", [{ kind: "TS", val: undefined, ecr: 7 }]],
    ["<FO>", [{ kind: "FO", cookie: "" }]],
    ["<FO abcd1234,nop,nop>", [{ kind: "FO", cookie: "abcd1234" }, { kind: "nop" }, { kind: "nop" }]],
    ["<FOEXP abcd1234>", [{ kind: "FOEXP", cookie: "abcd1234" }]],
    ["<EXP-FO 01>", [{ kind: "FOEXP", cookie: "01" }]],
    [
      "<ECN e1b 1 ceb 2 e0b 3,nop>",
      [{ kind: "AccECN", order: 1, counters: [1, 2, 3], experimental: false }, { kind: "nop" }],
    ],
    ["<ECN e0b 1>", [{ kind: "AccECN", order: 0, counters: [1], experimental: false }]],
    ["<AccECN0 ee0b 1 eceb 2>", [{ kind: "AccECN", order: 0, counters: [1, 2], experimental: false }]],
    ["<exp-AccECN1 ee1b 5>", [{ kind: "AccECN", order: 1, counters: [5], experimental: true }]],
    ["<exp-tarr 10>", [{ kind: "TARR", rate: 10 }]],
    ["<md5 valid>", [{ kind: "md5", digest: undefined }]],
    ["<gen-253 0a0b>", [{ kind: "generic", number: 253, data: "0a0b" }]],
    ["<exp-f989 12>", [{ kind: "experiment", exid: 0xf989, data: "12" }]],
    ["<020405b4>", [{ kind: "raw", data: "020405b4" }]],
  ])("%s", (text, options) => {
    expect(tcp(`> . 1:1(0) ack 1 ${text}`).options).toEqual(options);
  });

  test("ecr as on the wire", () => {
    expect(tcp("< . 1:1(0) ack 1 win 5 <TS val 5 ecr 7!>")).toMatchObject({ absoluteEcr: true });
  });

  test("an unknown option, and a counter out of order, are errors", () => {
    expect(errorOf("0 > . 1:1(0) ack 1 <whatever 5>").message).toContain("unknown TCP option whatever");
    expect(errorOf("0 > . 1:1(0) ack 1 <ECN e1b 1 e0b 3>").message).toContain("out of its order");
  });
});

describe("IP prefixes", () => {
  test.each([
    ["[ect0]", { ecn: 2 }],
    ["[noecn]", { ecn: 0 }],
    ["[ce]", { ecn: 3 }],
    ["[ect01]", { ecn: "ect01" }],
    ["(tos 0x2e)", { dscp: 0x0b, ecn: 2 }],
    ["(dscp ef, ecn ect1)", { dscp: 46, ecn: 1 }],
    ["[ttl 3]", { ttl: 3 }],
    ["(flowlabel 0x12345)", { flowLabel: 0x1_2345 }],
    ["[dscp af41, ttl 7]", { dscp: 34, ttl: 7 }],
  ])("%s", (text, ip) => {
    const line = action(`> ${text} . 1:1(0) ack 1`);
    expect((line as PacketLine).ip).toMatchObject(ip);
  });

  test("no space is needed behind the arrow", () => {
    expect((action(">[noecn] P. 1:11(10) ack 1") as PacketLine).ip.ecn).toBe(0);
  });
});

describe("other packets", () => {
  test("UDP", () => {
    expect((action("< udp (1000)") as PacketLine).body).toEqual({ protocol: "udp", ports: undefined, length: 1000 });
  });

  test("ICMP with what it quotes", () => {
    expect((action("< icmp unreachable frag_needed mtu 1200 [1:1001(1000)]") as PacketLine).body).toMatchObject({
      protocol: "icmp",
      type: "unreachable",
      code: "frag_needed",
      mtu: 1200,
      quoted: { protocol: "tcp", seq: 1, length: 1000 },
    });
    expect((action("< icmp echo_request id 7") as PacketLine).body).toMatchObject({ type: "echo_request", id: 7 });
    expect((action("< icmp packet_too_big mtu 1280 [1:1(0)/udp(9899 > 9899)]") as PacketLine).body).toMatchObject({
      code: undefined,
      quoted: { encapsulation: { source: 9899, destination: 9899 } },
    });
  });

  test("those of other protocols are named, over several lines, and the next line is found", () => {
    const events = parse("0 < sctp: DATA[flgs=BE, len=1016,\n  tsn=1]\n+0 close(3) = 0");
    expect(events.map(({ action: { kind } }) => kind)).toEqual(["unsupported", "call"]);
  });

  test("printing a packet line and reading it again changes nothing", () => {
    for (const line of [
      "> [ect0] P. 1:1001(1000) ack 1 win 5 <nop,nop,sack 1:2 3:4>",
      "< SEW 0:0(0) win 32792 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>",
      "> S. ...(0) ack 1 <...>",
      "< icmp unreachable port_unreachable [0:0(0)]",
      "> F. 1:1(0) ack 2 /udp(1 > 2)",
      "> .5 1:1(0) ack 1 <AccECN1 ee1b 1 eceb 0 ee0b 5>",
    ]) {
      expect(formatPacketLine(action(line) as PacketLine)).toBe(line);
    }
  });
});

describe("calls", () => {
  test("name, arguments, result, errno, note", () => {
    expect(call("connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)")).toMatchObject({
      name: "connect",
      errno: "EINPROGRESS",
      note: "Operation now in progress",
      end: undefined,
    });
    expect(call("fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)")).toMatchObject({
      result: { value: 2 },
      note: "flags O_RDWR",
    });
    expect(call("write (3, ..., 10) = 10").name).toBe("write");
  });

  test("a blocking call has an end", () => {
    expect(call("...0.200 accept(3, ..., ...) = 4").end).toBe(200_000);
    expect(parse("+.1...0.200 accept(3, ..., ...) = 4")[0]).toMatchObject({ time: { at: 100_000 } });
  });

  test.each([
    "sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 100}, {..., 200}], msg_flags=0}, MSG_MORE|MSG_DONTWAIT)",
    'bind(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("192.168.0.1")}, ...)',
    "poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLIN}], 1, -1)",
    "setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8)",
    "setsockopt(3, IPPROTO_TCP, TCP_FASTOPEN, {enable=1, psk=...}, 20)",
    "getsockopt(3, IPPROTO_TCP, TCP_INFO, {tcpi_snd_cwnd=10}, [200])",
    "epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, fd=4})",
    'setsockopt(3, SOL_TCP, TCP_CONGESTION, "cubic", 5)',
    "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=5}], msg_flags=0}, 0)",
  ])("%s is printed as it was read", (text) => {
    const { name, args } = call(`${text} = 0`);
    expect(`${name}(${args.map(formatExpression).join(", ")})`).toBe(text);
  });

  test("strings have C's escapes", () => {
    const { args } = call(String.raw`write(4, "a\n\x41\101\"", 5) = 5`);
    expect(args[1]).toMatchObject({ kind: "string", value: 'a\nAA"' });
  });
});

describe("a whole script", () => {
  test("options, commands without a time, comments, code", () => {
    const script = parseScript(
      `--ip_version=ipv6
--tolerance_usecs=75000
--define=CC="reno"
/* a
   comment */
\`first
second\`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3 // the end
+0 %{ assert 1 == 1
print("}") }%
\`last\``,
      "x.pkt",
    );
    expect(script.options.map(({ name, value }) => [name, value])).toEqual([
      ["ip_version", "ipv6"],
      ["tolerance_usecs", "75000"],
      ["define", 'CC="reno"'],
    ]);
    expect(script.before).toEqual([{ line: 6, text: "first\nsecond" }]);
    expect(script.events.map(({ line }) => line)).toEqual([8, 9]);
    expect(script.after).toEqual([{ line: 11, text: "last" }]);
  });

  test("#ifdef keeps what is defined, and line numbers", () => {
    const text =
      "0 close(3) = 0\n#ifdef FreeBSD\n+0 close(4) = 0\n#endif\n#ifdef Linux\n+0 close(5) = 0\n#endif\n+0 close(6) = 0";
    expect(parse(text, ["FreeBSD"]).map(({ line }) => line)).toEqual([1, 3, 8]);
    expect(parse(text, ["Linux"]).map(({ line }) => line)).toEqual([1, 6, 8]);
  });

  test.each([
    ["#ifdef A\n0 close(3) = 0", 1, "#ifdef without #endif"],
    ["0 close(3) = 0\n#endif", 2, "#endif without #ifdef"],
    ["#ifdef A\n#ifdef B\n#endif\n#endif", 2, "#ifdef inside"],
    ["0 close(3) = 0\n#include <x>", 2, "#include"],
    ["0 close(3)", 1, 'expected "="'],
    ["0 close(3) = 0\n\n+0 > . 1:1(0 ack 1", 3, 'expected ")"'],
    ["0 close(3) = 0\nclose(3) = 0", 2, "expected a time"],
    ["0 close(3) = 0\n`x`\n+0 close(4) = 0", 3, "expected the end"],
    ["// nothing", 1, "nothing to do"],
    ["0 > Q. 1:1(0) ack 1", 1, "expected a packet"],
    ["0 > . 1:1(0) ack 1 win 70000", 1, "out of range"],
    ["0 write(4, ..., ) = 1", 1, "expected an argument"],
  ])("%j is refused at line %i", (text, line, message) => {
    const error = errorOf(text);
    expect(error.message).toContain(message);
    expect(error.line).toBe(line);
  });

  test("whatever stands in a file, the parser answers with a script or a ScriptError", () => {
    const pieces = [
      "0 ",
      "+0 ",
      "> ",
      "< ",
      "S. ",
      "1:1(0) ",
      "ack 1 ",
      "win 5 ",
      "<",
      ">",
      "nop,",
      "`",
      "%{",
      "}%",
      "(",
      ")",
      "...",
      "=",
      "3",
      "\n",
      "close",
      "[",
      "]",
      '"',
      "{",
      "}",
      "--x=1\n",
      "#ifdef A\n",
      "#endif\n",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (words) => {
        try {
          parse(words.join(""));
        } catch (error) {
          expect(error).toBeInstanceOf(ScriptError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
