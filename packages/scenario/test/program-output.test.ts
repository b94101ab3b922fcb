import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readIperf3 } from "../src/run/iperf3-output.ts";
import { readPing } from "../src/run/ping-output.ts";
import { commandOf, outputOf } from "../src/run/program-spec.ts";

/** What iputils 20221126 prints for `ping -n -D -c 5 -i 0.2`; the third answer never came, the fifth came twice. */
const PING = `PING 10.81.2.2 (10.81.2.2) 56(84) bytes of data.
[1000.040500] 64 bytes from 10.81.2.2: icmp_seq=1 ttl=63 time=40.5 ms
[1000.241000] 64 bytes from 10.81.2.2: icmp_seq=2 ttl=63 time=41.0 ms
[1000.643000] 64 bytes from 10.81.2.2: icmp_seq=4 ttl=63 time=43.0 ms
[1000.842000] 64 bytes from 10.81.2.2: icmp_seq=5 ttl=63 time=42.0 ms
[1000.843000] 64 bytes from 10.81.2.2: icmp_seq=5 ttl=63 time=43.0 ms (DUP!)

--- 10.81.2.2 ping statistics ---
5 packets transmitted, 4 received, +1 duplicates, 20% packet loss, time 806ms
rtt min/avg/max/mdev = 40.500/41.625/43.000/0.960 ms
`;
const sinceThousand = (seconds: number): number => Math.round((seconds - 1000) * 1e9);

describe("P2: what ping printed", () => {
  test("is counted as its summary says, with a round trip for each first answer", () => {
    const { ping, isTimed, delays } = readPing(PING, sinceThousand)!;
    expect(ping).toMatchObject({ address: "10.81.2.2", sent: 5, received: 4, duplicates: 1, errors: 0 });
    expect(ping.rtt).toMatchObject({ count: 4, min: 40.5e6, p50: 41e6, p95: 43e6, max: 43e6, mean: 41_625_000 });
    // As ping's own last line has them.
    expect(Math.round(ping.rtt.mdev / 1e3)).toBe(960);
    expect(isTimed).toBe(true);
    const { at, value, lostAt } = delays.series("p", "rtt");
    expect(at).toEqual([40.5e6, 241e6, 643e6, 842e6]);
    expect(value).toEqual([40.5e6, 41e6, 43e6, 42e6]);
    expect(lostAt).toEqual([400e6]);
  });

  test("without -D has no moments", () => {
    const { ping, isTimed } = readPing(PING.replace(/^\[.*?\] /gm, ""), sinceThousand)!;
    expect(ping.rtt.count).toBe(4);
    expect(isTimed).toBe(false);
  });

  test("IPv6, with errors and units", () => {
    const text = `PING 2001:DB8:0::2(2001:DB8:0::2) 56 data bytes
From 2001:db8::1: icmp_seq=1 Destination unreachable: Address unreachable
[1000.5] 64 bytes from 2001:db8::2: icmp_seq=2 ttl=64 time=1201 ms

--- 2001:DB8:0::2 ping statistics ---
2 packets transmitted, 1 received, +1 errors, 50% packet loss, time 1001ms
`;
    const { ping } = readPing(text, sinceThousand)!;
    expect(ping).toMatchObject({ address: "2001:db8::2", sent: 2, received: 1, errors: 1 });
    expect(ping.rtt.max).toBe(1201e6);
  });

  test("all lost: no round trip, and no moment to tell", () => {
    const text =
      "PING 10.0.0.9 (10.0.0.9) 56(84) bytes of data.\n\n--- x ---\n3 packets transmitted, 0 received, 100% packet loss, time 4ms\n";
    const { ping, isTimed } = readPing(text, sinceThousand)!;
    expect(ping).toMatchObject({ sent: 3, received: 0, rtt: { count: 0 } });
    expect(isTimed).toBe(false);
  });

  test("what is no output of ping is none, and nothing throws", () => {
    for (const text of ["", "ping: nowhere: Name or service not known\n", PING.split("---")[0]!]) {
      expect(readPing(text, sinceThousand)).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.nat(PING.length), fc.nat(PING.length), fc.string(), (from, to, text) => {
        readPing(PING.slice(0, from) + text + PING.slice(to), sinceThousand);
      }),
    );
  });
});

const CONNECTED = [
  { socket: 5, local_host: "::ffff:10.0.0.1", local_port: 40_000, remote_host: "10.0.0.2", remote_port: 5201 },
];
const UDP = {
  start: { connected: CONNECTED, test_start: { protocol: "UDP" } },
  end: {
    streams: [{ udp: { out_of_order: 2 } }],
    sum_sent: { seconds: 5, bytes: 140_000, bits_per_second: 224_000, packets: 100, lost_packets: 0 },
    sum_received: {
      seconds: 5.04,
      bytes: 137_200,
      bits_per_second: 217_777,
      packets: 99,
      lost_packets: 1,
      jitter_ms: 0.25,
    },
  },
};
const TCP = {
  start: { connected: CONNECTED, test_start: { protocol: "TCP" } },
  end: {
    sum_sent: { seconds: 5, bytes: 900, bits_per_second: 1440, retransmits: 7 },
    sum_received: { seconds: 5.1, bytes: 800, bits_per_second: 1255 },
    sender_tcp_congestion: "cubic",
  },
};

describe("P3: what iperf3 -J printed", () => {
  test("UDP: datagrams sent, those that were read, and its connection", () => {
    expect(readIperf3(JSON.stringify(UDP))).toEqual({
      iperf3: {
        protocol: "udp",
        seconds: 5.04,
        sentBytes: 140_000,
        receivedBytes: 137_200,
        throughput: 217_777,
        packets: 100,
        received: 98,
        lost: 1,
        outOfOrder: 2,
        jitter: 250_000,
      },
      connections: [{ local: "10.0.0.1", localPort: 40_000, remote: "10.0.0.2", remotePort: 5201 }],
    });
  });

  test("TCP: retransmissions and what governs them", () => {
    expect(readIperf3(JSON.stringify(TCP))).toMatchObject({
      iperf3: {
        protocol: "tcp",
        sentBytes: 900,
        receivedBytes: 800,
        throughput: 1255,
        retransmits: 7,
        congestion: "cubic",
      },
    });
  });

  test("a version that knows one sum for both sides", () => {
    const { sum_sent, sum_received, ...end } = UDP.end;
    const old = { ...UDP, end: { ...end, sum: { ...sum_received, packets: sum_sent.packets } } };
    expect(readIperf3(JSON.stringify(old))).toMatchObject({ iperf3: { packets: 100, received: 99, lost: 1 } });
  });

  test("its own error, an end before anything was measured, and no JSON", () => {
    expect(readIperf3('{"start":{},"error":"unable to connect"}')).toEqual({ error: "unable to connect" });
    expect(readIperf3('{"start":{},"end":{}}')).toEqual({
      error: expect.stringMatching(/before it had measured/) as string,
    });
    expect(readIperf3("iperf 3.12\n")).toEqual({ error: expect.stringMatching(/needs -J/) as string });
    fc.assert(fc.property(fc.jsonValue(), (value) => void readIperf3(JSON.stringify(value))));
  });
});

describe("P1: a program's command", () => {
  test("a line is cut at blanks, a list is taken as it is", () => {
    expect(commandOf({ in: "a", run: "  ping  -c 1 10.0.0.1 " })).toEqual(["ping", "-c", "1", "10.0.0.1"]);
    expect(commandOf({ in: "a", run: ["sh", "-c", "a b"] })).toEqual(["sh", "-c", "a b"]);
  });

  test.each([
    ["ping -c 1 x", "ping"],
    ["/usr/bin/ping6 x", "ping"],
    ["iperf3 -J -c x", "iperf3"],
    ["iperf3 -s -1", "text"],
    ["curl x", "text"],
  ])("%s is read as %s", (run, output) => {
    expect(outputOf({ in: "a", run })).toBe(output);
    expect(outputOf({ in: "a", run, output: "text" })).toBe("text");
  });
});
