import { expect, test } from "vitest";
import { closeHost, type Host, type NetInterface } from "../../src/index.ts";
import { EPOLLIN, openTcp, type TcpSocket } from "../../src/tcp/index.ts";
import { transfers, until } from "../support/tcp.ts";
import { fakeVrf } from "../support/vrf.ts";
import { assign, route, World } from "../support/world.ts";

interface Tenants {
  readonly world: World;
  readonly server: Host;
  readonly red: NetInterface;
  readonly blue: NetInterface;
  readonly eth0: NetInterface;
  /** Both are 10.0.0.1, each in its own network, and ask for 10.0.0.2 there. */
  readonly clients: readonly [Host, Host];
}

/** A host with two VRFs whose networks have the same addresses. */
function tenants(): Tenants {
  const world = new World();
  const server = world.host("server");
  const clients = [world.host("red1"), world.host("blue1")] as const;
  const red = fakeVrf(server, "red", 10);
  const blue = fakeVrf(server, "blue", 20);
  for (const [i, vrf] of [red, blue].entries()) {
    world.link([clients[i] as Host, "eth0", "10.0.0.1/24"], [server, `eth${i}`]);
    const port = server.interfaces.named(`eth${i}`);
    server.interfaces.setMaster(port, vrf);
    assign(port, ["10.0.0.2/24"]);
  }
  world.runMs(10);
  return { world, server, red, blue, eth0: server.interfaces.named("eth0"), clients };
}

function listenOn(host: Host, ifindex: number): TcpSocket {
  const listener = openTcp(host);
  listener.set("SO_BINDTOIFINDEX", ifindex);
  listener.bind({ port: 80 });
  listener.listen();
  return listener;
}

/** Asks from port 4000, in both networks. Answers what became of it. */
function ask({ world, clients }: Tenants): { sockets: TcpSocket[]; outcome: unknown[] } {
  const sockets = clients.map((host) => {
    const socket = openTcp(host);
    socket.set("SO_REUSEADDR", 1);
    socket.bind({ port: 4000 });
    socket.connect({ address: "10.0.0.2", port: 80 });
    return socket;
  });
  world.runMs(20);
  return { sockets, outcome: sockets.map((socket) => socket.getsockopt("SO_ERROR") || socket.state) };
}

function accepted(listener: TcpSocket | undefined): TcpSocket {
  const socket = listener?.accept();
  if (socket === undefined) throw new Error("a connection waits");
  return socket;
}

test("T26 a listener without a device hears nothing of VRFs; the RST goes back through the VRF (net/l3mdev)", () => {
  const it = tenants();
  listenOn(it.server, 0);
  expect(ask(it).outcome).toEqual(["ECONNREFUSED", "ECONNREFUSED"]);
});

test.each(["red", "eth0"] as const)("T26 a listener at %s hears that VRF, and only that", (where) => {
  const it = tenants();
  const listener = listenOn(it.server, it[where].ifindex);
  const { sockets, outcome } = ask(it);
  expect(outcome).toEqual(["ESTABLISHED", "ECONNREFUSED"]);
  const server = accepted(listener);
  expect(server.getsockopt("SO_BINDTOIFINDEX")).toBe(it[where].ifindex);
  transfers(it.world, sockets[0] as TcpSocket, server, 30_000);
});

test("T26 tcp_l3mdev_accept: one listener for all VRFs; the same four-tuple in two of them is two connections", () => {
  const it = tenants();
  const listener = listenOn(it.server, 0);
  it.server.sysctls.set("net.ipv4.tcp_l3mdev_accept", 1);
  const { sockets, outcome } = ask(it);
  expect(outcome).toEqual(["ESTABLISHED", "ESTABLISHED"]);
  const servers = [accepted(listener), accepted(listener)];
  expect(servers.map((socket) => socket.getsockopt("SO_BINDTOIFINDEX")).sort()).toEqual([
    it.red.ifindex,
    it.blue.ifindex,
  ]);
  for (const [i, vrf] of [it.red, it.blue].entries()) {
    const server = servers.find((socket) => socket.getsockopt("SO_BINDTOIFINDEX") === vrf.ifindex) as TcpSocket;
    transfers(it.world, sockets[i] as TcpSocket, server, 30_000);
  }
});

test("T26 with listeners in both VRFs each gets its own", () => {
  const it = tenants();
  const listeners = [it.red, it.blue].map((vrf) => listenOn(it.server, vrf.ifindex));
  const { sockets } = ask(it);
  for (const [i, listener] of listeners.entries()) {
    const server = accepted(listener);
    expect(listener.accept()).toBeUndefined();
    transfers(it.world, sockets[i] as TcpSocket, server, 1000);
  }
});

test("T27 a SYN is answered by the way that the route says, not by where it came in", () => {
  const world = new World();
  const [a, b] = [world.host("a"), world.host("b", { "net.ipv4.conf.all.rp_filter": 0 })];
  world.link([a, "eth0", "10.0.0.1/24"], [b, "eth0", "10.0.0.2/24"]);
  world.link([a, "eth1", "10.0.1.1/24"], [b, "eth1", "10.0.1.2/24"]);
  assign(a.interfaces.named("lo"), ["192.0.2.1/32"]);
  route(b, "192.0.2.1/32", "10.0.1.1");
  world.runMs(10);
  const left: number[] = [];
  b.taps.add((packet, iface, direction) => {
    if (direction === "out" && packet.protocol === 0x800) left.push(iface.ifindex);
  });
  const listener = listenOn(b, 0);
  const client = openTcp(a);
  client.bind({ address: "192.0.2.1" });
  client.connect({ address: "10.0.0.2", port: 80 });
  until(world, () => (listener.poll() & EPOLLIN) !== 0);
  transfers(world, client, accepted(listener), 20_000);
  // What nobody listens for is refused that way, too.
  const refused = openTcp(a);
  refused.bind({ address: "192.0.2.1" });
  refused.connect({ address: "10.0.0.2", port: 81 });
  world.runMs(20);
  expect(refused.getsockopt("SO_ERROR")).toBe("ECONNREFUSED");
  expect(new Set(left)).toEqual(new Set([b.interfaces.named("eth1").ifindex]));
});

test("T27 a SYN/ACK that is sent again goes where its listener is bound", () => {
  const it = tenants();
  listenOn(it.server, it.red.ifindex);
  const [client] = it.clients;
  // The first connection finds the neighbours: the second's SYN leaves at once.
  expect(ask(it).outcome[0]).toBe("ESTABLISHED");
  const sent = it.server.mib.ip.OutRequests;
  const socket = openTcp(client);
  socket.connect({ address: "10.0.0.2", port: 80 });
  // Its owner is gone before the answer comes, and says nothing: the embryo repeats.
  closeHost(client);
  it.world.run(3_500_000_000);
  expect(it.server.mib.extra.get("Tcp")).toMatchObject({ RetransSegs: 2 });
  expect(it.server.mib.ip.OutRequests - sent).toBe(3);
  expect(it.server.mib.ip.OutNoRoutes).toBe(0);
});

test("T28 an ICMP error reaches a connection that is bound to a device", () => {
  const world = new World();
  const [a, r] = [world.host("a"), world.router("r")];
  world.link([a, "eth0", "10.0.1.1/24"], [r, "eth0", "10.0.1.254/24"]);
  route(a, "0.0.0.0/0", "10.0.1.254");
  r.ipv4.fib.add({ destination: 0x0a090000, prefixLength: 16, type: "unreachable" });
  world.runMs(10);
  const socket = openTcp(a);
  socket.setsockopt("SO_BINDTODEVICE", "eth0");
  socket.connect({ address: "10.9.0.1", port: 80 });
  world.runMs(50);
  expect(socket.getsockopt("SO_ERROR")).toBe("EHOSTUNREACH");
});
