import { readFileSync } from "node:fs";
import { PeerError, type Engine } from "./settings.ts";

/** An Ethernet device of a guest and where its frames go. */
export interface GuestLink {
  readonly kind: "udp" | "rawudp" | "stream" | "tap";
  /** udp, rawudp: the guest's port of 127.0.0.1, and the other side's. */
  readonly here?: number;
  readonly there?: number;
  /** stream: a port of 127.0.0.1 or the path of a Unix socket, where the other side listens. */
  readonly target?: string;
  /** tap: an existing device of the network namespace in which the guest is started. */
  readonly device?: string;
  readonly mtu: number;
  readonly mac: string;
}

const DEFAULT_MTU = 1500;

/** Reads `udp:5101:5102,mtu=9000`; `index` and `guestId` make its Ethernet address unless it names one. */
export function parseLink(text: string, index: number, guestId: number): GuestLink {
  const [where = "", ...settings] = text.split(",");
  const [kind, ...words] = where.split(":");
  let mtu = DEFAULT_MTU;
  let mac = `02:4c:50:00:${hex(guestId)}:${hex(index)}`;
  for (const setting of settings) {
    const [name, value = ""] = setting.split(/=(.*)/s);
    if (name === "mtu" && /^\d+$/.test(value)) mtu = Number(value);
    else if (name === "mac" && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(value)) mac = value;
    else throw new PeerError(`--link ${text}: what is ${setting}? Known are mtu=BYTES and mac=ADDRESS`);
  }
  const [first, second] = words;
  if ((kind === "udp" || kind === "rawudp") && words.length === 2 && isPort(first) && isPort(second)) {
    return { kind, here: Number(first), there: Number(second), mtu, mac };
  }
  if (kind === "stream" && words.length === 1 && first !== "") return { kind, target: first as string, mtu, mac };
  if (kind === "tap" && words.length === 1 && first !== "") return { kind, device: first as string, mtu, mac };
  throw new PeerError(`--link ${text}: must be udp:HERE:THERE, rawudp:HERE:THERE, stream:PORT|PATH or tap:NAME`);
}

/** What the engine is told to make device number `index` of a guest. */
export function linkArguments(engine: Engine, link: GuestLink, index: number): string[] {
  if (link.kind === "tap") checkTap(link.device as string);
  return engine === "uml" ? umlArguments(link, index) : qemuArguments(link, index);
}

function umlArguments(link: GuestLink, index: number): string[] {
  const device = `mac=${link.mac},mtu=${link.mtu}`;
  switch (link.kind) {
    case "udp": {
      const ends = `src=127.0.0.1,dst=127.0.0.1,srcport=${link.here},dstport=${link.there}`;
      return [`vec${index}:transport=l2tpv3,udp=1,${ends},rx_session=1,tx_session=1,${device}`];
    }
    case "rawudp":
      if (link.mtu > 1500) throw new PeerError("with uml, a rawudp link has an MTU of at most 1500");
      return [`eth${index}=ucast,${link.mac},127.0.0.1,${link.here},${link.there}`];
    case "tap":
      return [`vec${index}:transport=tap,ifname=${link.device},gro=1,${device}`];
    case "stream":
      throw new PeerError("a stream link needs --engine qemu");
  }
}

function qemuArguments(link: GuestLink, index: number): string[] {
  const device = `virtio-net-pci,netdev=net${index},mac=${link.mac},host_mtu=${link.mtu},romfile=`;
  return ["-netdev", `${qemuBackend(link)},id=net${index}`, "-device", device];
}

function qemuBackend(link: GuestLink): string {
  switch (link.kind) {
    case "udp": {
      // QEMU reads datagrams of its l2tpv3 into buffers of 2 KiB and a bit.
      if (link.mtu > 2000) throw new PeerError("with qemu, a udp link has an MTU of at most 2000");
      const ports = `srcport=${link.here},dstport=${link.there}`;
      return `l2tpv3,src=127.0.0.1,dst=127.0.0.1,udp=on,${ports},rxsession=1,txsession=1,counter=off`;
    }
    case "rawudp": {
      const local = `local.type=inet,local.host=127.0.0.1,local.port=${link.here}`;
      return `dgram,${local},remote.type=inet,remote.host=127.0.0.1,remote.port=${link.there}`;
    }
    case "tap":
      return `tap,ifname=${link.device},script=no,downscript=no`;
    case "stream": {
      const target = link.target as string;
      if (target.includes("/")) return `stream,server=off,addr.type=unix,addr.path=${target}`;
      return `stream,server=off,addr.type=inet,addr.host=127.0.0.1,addr.port=${target}`;
    }
  }
}

/** The engines would make a TAP device that is not there, connected to nothing. */
function checkTap(device: string): void {
  const names = readFileSync("/proc/net/dev", "utf8")
    .split("\n")
    .map((line) => line.split(":")[0]?.trim());
  if (!names.includes(device)) throw new PeerError(`there is no device ${device} in this network namespace`);
}

function isPort(text: string | undefined): boolean {
  return text !== undefined && /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

function hex(value: number): string {
  return value.toString(16).padStart(2, "0");
}
