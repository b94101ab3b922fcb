import { millis, seconds } from "@seville/core";
import { parseIp } from "@seville/packet";
import { describe, expect, test } from "vitest";
import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  formatSs,
  installTcp,
  listTcp,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  openTcp,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  accept,
  connect,
  recv,
  recvAll,
  runUntilSettled,
  sendAll,
  type TcpSocket,
} from "../../src/tcp/index.ts";
import { bytes, codeOf, pair, text } from "../support/world.ts";
import { connected, pattern, Reader, until, Writer } from "../support/tcp.ts";
import { wireIsClean } from "../support/wire.ts";

describe("T10 bind(2), listen(2): who may have which port (inet_csk_bind_conflict)", () => {
  const bound = (host: ReturnType<typeof pair>["a"], to: object, options: Record<string, number> = {}): TcpSocket => {
    const socket = openTcp(host, { family: "family" in to ? (to.family as 4 | 6) : 4 });
    for (const [name, value] of Object.entries(options)) socket.setsockopt(name, value);
    socket.bind(to);
    return socket;
  };

  test("one port, one socket, unless the addresses or the devices differ", () => {
    const { a } = pair();
    bound(a, { address: "10.0.0.1", port: 80 });
    expect(codeOf(() => bound(a, { address: "10.0.0.1", port: 80 }))).toBe("EADDRINUSE");
    expect(codeOf(() => bound(a, { port: 80 }))).toBe("EADDRINUSE");
    expect(codeOf(() => bound(a, { address: "127.0.0.1", port: 80 }))).toBeUndefined();
    expect(codeOf(() => bound(a, { port: 81 }, { SO_BINDTOIFINDEX: 1 }))).toBeUndefined();
    expect(codeOf(() => bound(a, { port: 81 }, { SO_BINDTOIFINDEX: 2 }))).toBeUndefined();
    expect(codeOf(() => bound(a, { port: 81 }))).toBe("EADDRINUSE");
  });

  test("SO_REUSEADDR of both shares a port on which nobody listens", () => {
    const { a } = pair();
    const first = bound(a, { port: 80 }, { SO_REUSEADDR: 1 });
    const second = bound(a, { port: 80 }, { SO_REUSEADDR: 1 });
    first.listen();
    expect(codeOf(() => second.listen())).toBe("EADDRINUSE");
    expect(codeOf(() => bound(a, { port: 80 }, { SO_REUSEADDR: 1 }))).toBe("EADDRINUSE");
    first.close();
    second.listen();
  });

  test("SO_REUSEPORT of both shares a port of listeners, which share the connections", () => {
    const { world, a, b } = pair();
    const listeners = Array.from({ length: 4 }, () => {
      const socket = bound(b, { port: 80 }, { SO_REUSEPORT: 1 });
      socket.listen();
      return socket;
    });
    expect(codeOf(() => bound(b, { port: 80 }))).toBe("EADDRINUSE");
    for (let i = 0; i < 64; i++) openTcp(a).connect({ address: "10.0.0.2", port: 80 });
    world.runMs(50);
    const counts = listeners.map((socket) => {
      let count = 0;
      while (socket.accept() !== undefined) count++;
      return count;
    });
    expect(counts.reduce((sum, count) => sum + count)).toBe(64);
    expect(Math.min(...counts)).toBeGreaterThan(4);
  });

  test("a dual-stack socket has the port of both families, one with IPV6_V6ONLY does not", () => {
    const { a } = pair();
    const dual = openTcp(a, { family: 6 });
    dual.bind({ port: 80 });
    expect(codeOf(() => bound(a, { port: 80 }))).toBe("EADDRINUSE");
    const only = openTcp(a, { family: 6, v6only: true });
    only.bind({ port: 90 });
    expect(codeOf(() => bound(a, { port: 90 }))).toBeUndefined();
  });

  test("a connection keeps its listener's port: a new server needs SO_REUSEADDR, in TIME-WAIT as well", () => {
    const { world, a, b } = pair();
    const { client, server, listener } = connected(world, a, b, "10.0.0.2", {
      port: 80,
      prepare: (_client, socket) => socket.set("SO_REUSEADDR", 0),
    });
    listener.close();
    expect(codeOf(() => bound(b, { port: 80 }))).toBe("EADDRINUSE");
    server.close();
    world.runMs(20);
    client.close();
    world.runMs(20);
    expect(listTcp(b).map(({ state }) => state)).toEqual(["TIME_WAIT"]);
    expect(codeOf(() => bound(b, { port: 80 }))).toBe("EADDRINUSE");
    world.run(seconds(61));
    expect(listTcp(b)).toEqual([]);
    expect(codeOf(() => bound(b, { port: 80 }))).toBeUndefined();
  });

  test("addresses that are not ours, ports that are none, binding twice", () => {
    const { a } = pair();
    expect(codeOf(() => bound(a, { address: "10.9.9.9", port: 80 }))).toBe("EADDRNOTAVAIL");
    expect(codeOf(() => bound(a, { address: "10.9.9.9", port: 80 }, { IP_FREEBIND: 1 }))).toBeUndefined();
    expect(codeOf(() => bound(a, { port: 70_000 }))).toBe("EINVAL");
    const socket = bound(a, { port: 82 });
    expect(codeOf(() => socket.bind({ port: 81 }))).toBe("EINVAL");
    expect(codeOf(() => openTcp(a).bind({ address: "::1", port: 80 }))).toBe("EAFNOSUPPORT");
  });

  test("ephemeral ports: of the range, not reserved, not taken; exhausted ones are an error", () => {
    const { a, b, world } = pair();
    a.sysctls.setText("net.ipv4.ip_local_port_range", "40000 40009");
    a.sysctls.setText("net.ipv4.ip_local_reserved_ports", "40003");
    const ports = Array.from({ length: 9 }, () => bound(a, {}).localPort);
    expect(ports.sort()).toEqual([40000, 40001, 40002, 40004, 40005, 40006, 40007, 40008, 40009]);
    expect(codeOf(() => bound(a, {}))).toBe("EADDRINUSE");
    expect(codeOf(() => openTcp(a).connect({ address: "10.0.0.2", port: 80 }))).toBe("EADDRNOTAVAIL");
    b.sysctls.setText("net.ipv4.ip_local_port_range", "40000 40000");
    openTcp(b).connect({ address: "10.0.0.1", port: 80 });
    // The same port to another end is another connection.
    openTcp(b).connect({ address: "10.0.0.1", port: 81 });
    expect(codeOf(() => openTcp(b).connect({ address: "10.0.0.1", port: 80 }))).toBe("EADDRNOTAVAIL");
    world.runMs(5);
  });

  test("listen without bind takes a port; listen on a connection does not", () => {
    const { world, a, b } = pair();
    const socket = openTcp(a);
    socket.listen();
    expect(socket.localPort).toBeGreaterThan(32_767);
    const { client } = connected(world, a, b, "10.0.0.2");
    expect(codeOf(() => client.listen())).toBe("EINVAL");
    expect(codeOf(() => client.accept())).toBe("EINVAL");
  });
});

describe("T11 connect(2)", () => {
  test("errors of addresses and routes", () => {
    const { a } = pair();
    expect(codeOf(() => openTcp(a).connect({ address: "192.0.2.1", port: 1 }))).toBe("ENETUNREACH");
    expect(codeOf(() => openTcp(a).connect({ address: "224.0.0.1", port: 1 }))).toBe("ENETUNREACH");
    expect(codeOf(() => openTcp(a).connect({ address: "10.0.0.255", port: 1 }))).toBe("ENETUNREACH");
    expect(codeOf(() => openTcp(a).connect({ address: "2001:db8::2", port: 1 }))).toBe("EAFNOSUPPORT");
    expect(codeOf(() => openTcp(a, { family: 6, v6only: true }).connect({ address: "::ffff:10.0.0.2", port: 1 }))).toBe(
      "ENETUNREACH",
    );
  });

  test("twice: EALREADY while it goes on, EISCONN afterwards and on a listener", () => {
    const { world, a, b } = pair({ delay: millis(10) });
    openTcp(b).listen();
    const listener = openTcp(b);
    listener.bind({ port: 80 });
    listener.listen();
    const client = openTcp(a);
    client.connect({ address: "10.0.0.2", port: 80 });
    expect(codeOf(() => client.connect({ address: "10.0.0.2", port: 80 }))).toBe("EALREADY");
    expect(client.poll()).toBe(0);
    world.runMs(50);
    expect(codeOf(() => client.connect({ address: "10.0.0.2", port: 80 }))).toBe("EISCONN");
    expect(codeOf(() => listener.connect({ address: "10.0.0.1", port: 80 }))).toBe("EISCONN");
  });

  test("nobody there: ETIMEDOUT after tcp_syn_retries, EHOSTUNREACH when the neighbour does not answer", () => {
    const { world, a, link } = pair();
    installTcp(a);
    a.sysctls.setText("net.ipv4.tcp_syn_retries", "2");
    const client = openTcp(a);
    client.connect({ address: "10.0.0.77", port: 80 });
    world.run(seconds(20));
    expect(client.getsockopt("SO_ERROR")).toBe("EHOSTUNREACH");
    const other = openTcp(a);
    other.connect({ address: "10.0.0.2", port: 80 });
    world.runMs(5);
    link.setUp(false);
    const silent = openTcp(a);
    expect(other.getsockopt("SO_ERROR")).not.toBe("ETIMEDOUT");
    silent.close();
  });

  test("a connection that failed leaves a socket that can try again", () => {
    const { world, a, b } = pair();
    installTcp(b);
    const client = openTcp(a);
    client.connect({ address: "10.0.0.2", port: 80 });
    world.runMs(10);
    expect(client.poll() & (EPOLLERR | EPOLLHUP)).toBe(EPOLLERR | EPOLLHUP);
    const listener = openTcp(b);
    listener.bind({ port: 80 });
    listener.listen();
    expect(codeOf(() => client.connect({ address: "10.0.0.2", port: 80 }))).toBe("ECONNREFUSED");
    client.connect({ address: "10.0.0.2", port: 80 });
    world.runMs(10);
    expect(client.state).toBe("ESTABLISHED");
  });

  test("IPv4 through an IPv6 socket shows IPv4-mapped addresses (RFC 3493 §3.7)", () => {
    const { world, a, b } = pair();
    const { client, server } = connected(world, a, b, "::ffff:10.0.0.2", { family: 6 });
    expect(client.remoteAddress().address).toBe(parseIp("::ffff:10.0.0.2"));
    expect(server.remoteAddress().address).toBe(parseIp("::ffff:10.0.0.1"));
    expect(server.family).toBe(6);
  });

  test("disconnect and connect again from the port that bind chose", () => {
    const { world, a, b } = pair();
    const { client, server } = connected(world, a, b, "10.0.0.2", { prepare: (socket) => socket.bind({ port: 4444 }) });
    client.disconnect();
    world.runMs(10);
    expect(codeOf(() => server.recv())).toBe("ECONNRESET");
    expect([client.state, client.localPort]).toEqual(["CLOSE", 4444]);
    client.connect({ address: "10.0.0.2", port: 5000 });
    world.runMs(10);
    expect([client.state, client.localPort]).toEqual(["ESTABLISHED", 4444]);
  });
});

describe("T12 the backlog", () => {
  test("no more connections wait than backlog + 1; the rest get in when there is room", () => {
    const { world, a, b } = pair();
    const listener = openTcp(b);
    // With cookies a client whose ACK finds no room thinks that it is connected.
    b.sysctls.setText("net.ipv4.tcp_syncookies", "0");
    listener.bind({ port: 80 });
    listener.listen(2);
    const clients = Array.from({ length: 6 }, () => {
      const client = openTcp(a);
      client.connect({ address: "10.0.0.2", port: 80 });
      return client;
    });
    world.runMs(500);
    expect(listTcp(b)[0]).toMatchObject({ state: "LISTEN", recvQ: 3, sendQ: 2 });
    let accepted = 0;
    until(world, () => {
      while (listener.accept() !== undefined) accepted++;
      return accepted === clients.length;
    });
    expect(clients.every(({ state }) => state === "ESTABLISHED")).toBe(true);
  });

  test("somaxconn limits it, and listening again changes it", () => {
    const { b } = pair();
    const listener = openTcp(b);
    b.sysctls.set("net.core.somaxconn", 5);
    listener.listen(1000);
    expect(listener.listener?.backlog).toBe(5);
    listener.listen(3);
    expect(listener.listener?.backlog).toBe(3);
    listener.listen(-1);
    expect(listener.listener?.backlog).toBe(5);
  });

  test("closing the listener resets those who were not accepted", () => {
    const { world, a, b } = pair();
    const listener = openTcp(b);
    listener.bind({ port: 80 });
    listener.listen();
    const client = openTcp(a);
    client.connect({ address: "10.0.0.2", port: 80 });
    world.runMs(10);
    listener.close();
    world.runMs(10);
    expect(client.getsockopt("SO_ERROR")).toBe("ECONNRESET");
    expect(listTcp(b)).toEqual([]);
  });
});

describe("T13 send(2), recv(2) and their flags", () => {
  test("MSG_PEEK leaves, MSG_TRUNC throws away, MSG_WAITALL waits", async () => {
    const { world, a, b } = pair();
    const { client, server } = connected(world, a, b, "10.0.0.2");
    client.send(bytes("abcdefgh"));
    world.runMs(10);
    expect(text(server.recv(3, MSG_PEEK) as Uint8Array)).toBe("abc");
    expect(text(server.recv(3) as Uint8Array)).toBe("abc");
    expect(server.recv(2, MSG_TRUNC)?.length).toBe(2);
    const all = recv(server, 6, MSG_WAITALL);
    client.send(bytes("ijk"));
    expect(text(await runUntilSettled(world.simulator, all))).toBe("fghijk");
    expect(server.inq()).toBe(0);
  });

  test("MSG_OOB: one urgent byte, apart from the stream, at its mark (RFC 6093)", () => {
    const { world, a, b } = pair();
    const { client, server } = connected(world, a, b, "10.0.0.2");
    expect(codeOf(() => server.recv(1, MSG_OOB))).toBe("EINVAL");
    client.send(bytes("normal"));
    client.send(bytes("!"), MSG_OOB);
    client.send(bytes("more"));
    world.runMs(10);
    expect(text(server.recv(1, MSG_OOB) as Uint8Array)).toBe("!");
    expect(text(server.recv() as Uint8Array)).toBe("normal");
    expect(server.atMark()).toBe(true);
    expect(text(server.recv() as Uint8Array)).toBe("more");
  });

  test("SO_OOBINLINE: it is part of the stream", () => {
    const { world, a, b } = pair();
    const { client, server } = connected(world, a, b, "10.0.0.2");
    server.setsockopt("SO_OOBINLINE", 1);
    client.send(bytes("a"));
    client.send(bytes("!"), MSG_OOB);
    world.runMs(10);
    let all = "";
    for (let part = server.recv(); part !== undefined; part = server.recv()) all += text(part);
    expect(all).toBe("a!");
  });

  test("errors before, during and after a connection", () => {
    const { world, a, b } = pair();
    const fresh = openTcp(a);
    expect(codeOf(() => fresh.send(bytes("x")))).toBe("EPIPE");
    expect(codeOf(() => fresh.recv())).toBe("ENOTCONN");
    expect(codeOf(() => fresh.shutdown(SHUT_WR))).toBe("ENOTCONN");
    expect(codeOf(() => fresh.remoteAddress())).toBe("ENOTCONN");
    const { client, server } = connected(world, a, b, "10.0.0.2");
    expect(codeOf(() => client.shutdown(7))).toBe("EINVAL");
    server.setsockopt("SO_LINGER", { onoff: 1, linger: 0 });
    server.close();
    world.runMs(10);
    expect(codeOf(() => client.send(bytes("x")))).toBe("ECONNRESET");
    expect(codeOf(() => client.send(bytes("x")))).toBe("EPIPE");
    client.close();
    expect(codeOf(() => client.send(bytes("x")))).toBe("EBADF");
    client.close();
  });

  test("shutdown(SHUT_RD): reads end, SHUT_RDWR: both", () => {
    const { world, a, b } = pair();
    const { client, server } = connected(world, a, b, "10.0.0.2");
    server.shutdown(SHUT_RD);
    expect(server.recv()?.length).toBe(0);
    client.shutdown(SHUT_RDWR);
    world.runMs(10);
    expect(client.recv()?.length).toBe(0);
    expect(server.state).toBe("CLOSE_WAIT");
  });

  test("a full send buffer takes nothing more; EPOLLOUT says when it does", () => {
    const { world, a, b } = pair({ delay: millis(1) });
    const { client, server } = connected(world, a, b, "10.0.0.2", {
      prepare: (socket, listener) => {
        socket.set("SO_SNDBUF", 20_000);
        listener.set("SO_RCVBUF", 20_000);
      },
    });
    let sent = 0;
    for (let turn = 0; turn < 100; turn++) {
      sent += client.send(pattern(10_000));
      world.runMs(10);
    }
    expect(sent).toBeLessThan(150_000);
    expect(client.poll() & EPOLLOUT).toBe(0);
    expect(client.outq().unacknowledged).toBeGreaterThan(0);
    const reader = new Reader(server);
    until(world, () => (client.poll() & EPOLLOUT) !== 0);
    until(world, () => reader.length === sent);
    world.runMs(100);
    expect(client.outq()).toEqual({ unacknowledged: 0, unsent: 0 });
  });
});

describe("T14 poll(2): tcp_poll", () => {
  test("a fresh socket, a listener, a connection, its end", () => {
    const { world, a, b } = pair();
    const fresh = openTcp(a);
    expect(fresh.poll() & (EPOLLHUP | EPOLLOUT)).toBe(EPOLLHUP | EPOLLOUT);
    const { client, server, listener } = connected(world, a, b, "10.0.0.2");
    expect(listener.poll()).toBe(0);
    expect(server.poll() & (EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLERR | EPOLLRDHUP)).toBe(EPOLLOUT);
    client.send(bytes("x"));
    world.runMs(10);
    expect(server.poll() & (EPOLLIN | EPOLLOUT)).toBe(EPOLLIN | EPOLLOUT);
    client.close();
    world.runMs(10);
    expect(server.poll() & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)).toBe(EPOLLIN | EPOLLRDHUP);
    server.shutdown(SHUT_WR);
    expect(server.poll() & EPOLLHUP).toBe(EPOLLHUP);
  });

  test("SO_RCVLOWAT: not before so much is there", () => {
    const { world, a, b } = pair();
    const { client, server } = connected(world, a, b, "10.0.0.2");
    server.setsockopt("SO_RCVLOWAT", 100);
    client.send(pattern(99));
    world.runMs(10);
    expect(server.poll() & EPOLLIN).toBe(0);
    client.send(pattern(1));
    world.runMs(50);
    expect(server.poll() & EPOLLIN).toBe(EPOLLIN);
  });

  test("onReady is told of each, and may do anything", () => {
    const { world, a, b } = pair();
    const listener = openTcp(b);
    listener.bind({ port: 80 });
    listener.listen();
    const log: string[] = [];
    listener.onReady = () => {
      const server = listener.accept();
      if (server === undefined) return;
      server.onReady = () => {
        const part = server.recv();
        if (part === undefined) return;
        log.push(part.length === 0 ? "end" : text(part));
        if (part.length === 0) server.close();
        else server.send(part);
      };
      server.onReady(server.poll());
    };
    const client = openTcp(a);
    client.onReady = (events) => {
      if (client.state === "ESTABLISHED" && log.length === 0) client.send(bytes("hello"));
      if ((events & EPOLLIN) === 0) return;
      const part = client.recv();
      if (part !== undefined && part.length > 0) {
        log.push(`back ${text(part)}`);
        client.close();
      }
    };
    client.connect({ address: "10.0.0.2", port: 80 });
    world.run(seconds(1));
    expect(log).toEqual(["hello", "back hello", "end"]);
  });
});

test("T15 promises in virtual time", async () => {
  const { world, a, b } = pair({ delay: millis(30), loss: 0.01 });
  const sent = pattern(300_000);
  const serve = async (): Promise<Uint8Array> => {
    const listener = openTcp(b, { family: 6 });
    listener.bind({ port: 80 });
    listener.listen();
    const socket = await accept(listener);
    const got = await recvAll(socket);
    await sendAll(socket, bytes(`got ${got.length}`));
    socket.close();
    listener.close();
    return got;
  };
  const ask = async (): Promise<string> => {
    const socket = openTcp(a);
    await connect(socket, { address: "10.0.0.2", port: 80 });
    await sendAll(socket, sent);
    socket.shutdown(SHUT_WR);
    const answer = text(await recvAll(socket));
    socket.close();
    return answer;
  };
  const [got, answer] = await runUntilSettled(world.simulator, Promise.all([serve(), ask()]));
  expect(answer).toBe("got 300000");
  expect(Buffer.compare(got, sent)).toBe(0);
  const refused = openTcp(a);
  await expect(
    runUntilSettled(world.simulator, connect(refused, { address: "10.0.0.2", port: 9 })),
  ).rejects.toMatchObject({
    code: "ECONNREFUSED",
  });
  await expect(runUntilSettled(world.simulator, new Promise(() => undefined))).rejects.toMatchObject({
    code: "ETIMEDOUT",
  });
});

describe("T16 what a host shows", () => {
  test("ss -tan", () => {
    const { world, a, b } = pair();
    const { client, server } = connected(world, a, b, "10.0.0.2", { port: 8080 });
    client.send(bytes("12345"));
    world.runMs(10);
    expect(formatSs(b)).toBe(
      [
        "State  Recv-Q Send-Q Local Address:Port Peer Address:Port",
        "LISTEN 0      4096   *:8080             *:*",
        `ESTAB  5      0      10.0.0.2:8080      10.0.0.1:${client.localPort}`,
        "",
      ].join("\n"),
    );
    expect(server.inq()).toBe(5);
  });

  test("counters of /proc/net/snmp and netstat, sysctls of net.ipv4.tcp_*", () => {
    const { world, a, b } = pair();
    const { client, server } = connected(world, a, b, "10.0.0.2");
    client.close();
    server.close();
    world.runMs(50);
    expect(a.mib.extra.get("Tcp")).toMatchObject({ ActiveOpens: 1, InErrs: 0, InCsumErrors: 0 });
    expect(b.mib.extra.get("Tcp")).toMatchObject({ PassiveOpens: 1 });
    expect(a.mib.extra.get("TcpExt")).toMatchObject({ ListenOverflows: 0, TCPAbortOnData: 0 });
    expect(a.sysctls.text("net.ipv4.tcp_rmem")).toBe("4096\t131072\t6291456");
    expect(a.sysctls.text("net.ipv4.tcp_congestion_control")).toBe("cubic");
    expect(codeOf(() => a.sysctls.setText("net.ipv4.tcp_congestion_control", "vegas"))).toBe("ENOENT");
    a.sysctls.setText("net.ipv4.tcp_congestion_control", "bbr");
    expect(openTcp(a).getsockopt("TCP_CONGESTION")).toBe("bbr");
    expect(codeOf(() => a.sysctls.setText("net.ipv4.tcp_ecn", "9"))).toBe("EINVAL");
    expect(codeOf(() => a.sysctls.setText("net.ipv4.optionLayout", "bsd"))).toBe("ENOENT");
    expect(a.sysctls.names().filter((name) => name.startsWith("net.ipv4.tcp_")).length).toBeGreaterThan(60);
  });

  test("settings given before TCP is there are TCP's", () => {
    const { world } = pair();
    const host = world.host("late", { "net.ipv4.tcp_sack": 0, "net.core.somaxconn": 7 });
    const tcp = installTcp(host);
    expect([tcp.settings.tcp_sack, tcp.settings.somaxconn]).toEqual([0, 7]);
    expect(installTcp(host)).toBe(tcp);
  });
});

test("T17 closing a host gives everything back, whatever was going on", () => {
  const { world, a, b } = pair({ delay: millis(20) });
  const { client, server } = connected(world, a, b, "10.0.0.2");
  const writer = new Writer(client, pattern(1_000_000));
  openTcp(a).connect({ address: "10.0.0.2", port: 9999 });
  world.runMs(60);
  expect(writer.at).toBeGreaterThan(0);
  expect(server.inq()).toBeGreaterThan(0);
  // The pool is looked at when the test is over.
});

wireIsClean();
