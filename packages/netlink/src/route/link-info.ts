import type { Ipv6Address } from "@seville/packet";
import {
  fail,
  readAttributes,
  writeAttributes,
  type AttributeTable,
  type AttributeType,
  type Reading,
} from "../wire/attribute.ts";
import { struct, structAttribute } from "../wire/struct.ts";
import { address, be16, be32, bytes, flag, mac, text, u16, u32, u8 } from "../wire/types.ts";
import { NLA_F_NESTED } from "../wire/writer.ts";

/** IFLA_INFO_DATA of a VRF (`IFLA_VRF_…`). */
export interface VrfData {
  table: number;
}
/** Of a port of a VRF (`IFLA_VRF_PORT_…`). */
export interface VrfPortData {
  table: number;
}
/** Of a VXLAN (`IFLA_VXLAN_…`). */
export interface VxlanData {
  id: number;
  group: number;
  group6: Ipv6Address;
  link: number;
  local: number;
  local6: Ipv6Address;
  ttl: number;
  tos: number;
  learning: number;
  ageing: number;
  limit: number;
  portRange: { low: number; high: number };
  proxy: number;
  rsc: number;
  l2miss: number;
  l3miss: number;
  port: number;
  udpCsum: number;
  udpZeroCsum6Tx: number;
  udpZeroCsum6Rx: number;
  gbp: boolean;
  collectMetadata: number;
  label: number;
  gpe: boolean;
  ttlInherit: boolean;
  df: number;
}
/** Of a VLAN (`IFLA_VLAN_…`). */
export interface VlanData {
  id: number;
  flags: { flags: number; mask: number };
  protocol: number;
}
/** Of a bridge (`IFLA_BR_…`): what people set. Times are in hundredths of a second. */
export interface BridgeData {
  forwardDelay: number;
  helloTime: number;
  maxAge: number;
  ageingTime: number;
  stpState: number;
  priority: number;
  vlanFiltering: number;
  vlanProtocol: number;
  groupAddress: number;
  multicastSnooping: number;
  vlanDefaultPvid: number;
}
/** Of a GRE tunnel over IPv4 or IPv6 (`IFLA_GRE_…`), GRE-TAP and ERSPAN. */
export interface GreData {
  link: number;
  iflags: number;
  oflags: number;
  ikey: number;
  okey: number;
  local: number | Ipv6Address;
  remote: number | Ipv6Address;
  ttl: number;
  tos: number;
  pmtudisc: number;
  encapLimit: number;
  flowInfo: number;
  flags: number;
  encapType: number;
  encapFlags: number;
  encapSport: number;
  encapDport: number;
  collectMetadata: boolean;
  ignoreDf: number;
  erspanIndex: number;
  erspanVersion: number;
  erspanDirection: number;
  erspanHardwareId: number;
}
/** Of IP in IP, SIT and ip6tnl (`IFLA_IPTUN_…`). */
export interface IpTunnelData {
  link: number;
  local: number | Ipv6Address;
  remote: number | Ipv6Address;
  ttl: number;
  tos: number;
  encapLimit: number;
  flowInfo: number;
  flags: number;
  protocol: number;
  pmtudisc: number;
}

const range = struct<{ low: number; high: number }>([
  ["low", "u16"],
  ["high", "u16"],
]);
const vlanFlags = struct<{ flags: number; mask: number }>([
  ["flags", "u32"],
  ["mask", "u32"],
]);

const vrf: AttributeTable<VrfData> = { table: [1, u32] };
const vrfPort: AttributeTable<VrfPortData> = { table: [1, u32] };
const vxlan: AttributeTable<VxlanData> = {
  id: [1, u32],
  group: [2, be32],
  group6: [16, address as AttributeType<Ipv6Address>],
  link: [3, u32],
  local: [4, be32],
  local6: [17, address as AttributeType<Ipv6Address>],
  ttl: [5, u8],
  tos: [6, u8],
  learning: [7, u8],
  ageing: [8, u32],
  limit: [9, u32],
  // Ports in network order: read as such below.
  portRange: [10, bigEndianRange()],
  proxy: [11, u8],
  rsc: [12, u8],
  l2miss: [13, u8],
  l3miss: [14, u8],
  port: [15, be16],
  udpCsum: [18, u8],
  udpZeroCsum6Tx: [19, u8],
  udpZeroCsum6Rx: [20, u8],
  gbp: [23, flag],
  collectMetadata: [25, u8],
  label: [26, be32],
  gpe: [27, flag],
  ttlInherit: [28, flag],
  df: [29, u8],
};
const vlan: AttributeTable<VlanData> = { id: [1, u16], flags: [2, structAttribute(vlanFlags)], protocol: [5, be16] };
const bridge: AttributeTable<BridgeData> = {
  forwardDelay: [1, u32],
  helloTime: [2, u32],
  maxAge: [3, u32],
  ageingTime: [4, u32],
  stpState: [5, u32],
  priority: [6, u16],
  vlanFiltering: [7, u8],
  vlanProtocol: [8, be16],
  groupAddress: [20, mac],
  multicastSnooping: [23, u8],
  vlanDefaultPvid: [39, u16],
};
const gre: AttributeTable<GreData> = {
  link: [1, u32],
  iflags: [2, be16],
  oflags: [3, be16],
  ikey: [4, be32],
  okey: [5, be32],
  local: [6, address],
  remote: [7, address],
  ttl: [8, u8],
  tos: [9, u8],
  pmtudisc: [10, u8],
  encapLimit: [11, u8],
  flowInfo: [12, be32],
  flags: [13, u32],
  encapType: [14, u16],
  encapFlags: [15, u16],
  encapSport: [16, be16],
  encapDport: [17, be16],
  collectMetadata: [18, flag],
  ignoreDf: [19, u8],
  erspanIndex: [21, u32],
  erspanVersion: [22, u8],
  erspanDirection: [23, u8],
  erspanHardwareId: [24, u16],
};
const ipTunnel: AttributeTable<IpTunnelData> = {
  link: [1, u32],
  local: [2, address],
  remote: [3, address],
  ttl: [4, u8],
  tos: [5, u8],
  encapLimit: [6, u8],
  flowInfo: [7, be32],
  flags: [8, u16],
  protocol: [9, u8],
  pmtudisc: [10, u8],
};

type DataTable = AttributeTable<Record<string, unknown>>;

/** The tables by what IFLA_INFO_KIND says. */
const DATA: Readonly<Record<string, DataTable | undefined>> = {
  vrf: untyped(vrf),
  vxlan: untyped(vxlan),
  vlan: untyped(vlan),
  bridge: untyped(bridge),
  gre: untyped(gre),
  gretap: untyped(gre),
  erspan: untyped(gre),
  ip6gre: untyped(gre),
  ip6gretap: untyped(gre),
  ip6erspan: untyped(gre),
  ipip: untyped(ipTunnel),
  sit: untyped(ipTunnel),
  ip6tnl: untyped(ipTunnel),
};
const SLAVE_DATA: Readonly<Record<string, DataTable | undefined>> = { vrf: untyped(vrfPort) };

/** Which table applies is known when a message is read: until then the properties are just named. */
function untyped<T>(table: AttributeTable<T>): DataTable {
  return table;
}

/** What kind of device it is, and its own settings; data of a kind that is not known here is left as bytes. */
export interface LinkInfo {
  kind?: string;
  data?: object;
  slaveKind?: string;
  slaveData?: object;
}

const raw: AttributeTable<{ kind: string; data: Uint8Array; slaveKind: string; slaveData: Uint8Array }> = {
  kind: [1, text()],
  data: [2, bytes()],
  slaveKind: [4, text()],
  slaveData: [5, bytes()],
};

/** IFLA_LINKINFO: the table for its data goes by the kind, wherever that stands among the attributes. */
export const linkInfo: AttributeType<LinkInfo> = {
  min: 0,
  max: 0xffff,
  nested: true,
  read: (view, at, length, reading) => {
    const found = readAttributes(raw, view, at, at + length, reading);
    const info: LinkInfo = {};
    const dataOf = (kind: string | undefined, given: Uint8Array, tables: typeof DATA): object => {
      const table = kind === undefined ? undefined : tables[kind];
      if (table === undefined) return given;
      const inner: Reading = { strict: reading.strict, problem: undefined };
      const data = readAttributes(table, new DataView(given.buffer), 0, given.length, inner);
      if (inner.problem !== undefined) fail(reading, `Invalid data of a ${kind ?? "?"} device`, at);
      return data;
    };
    if (found.kind !== undefined) info.kind = found.kind;
    if (found.data !== undefined) info.data = dataOf(found.kind, found.data, DATA);
    if (found.slaveKind !== undefined) info.slaveKind = found.slaveKind;
    if (found.slaveData !== undefined) info.slaveData = dataOf(found.slaveKind, found.slaveData, SLAVE_DATA);
    return info;
  },
  write: (out, { kind, data, slaveKind, slaveData }) => {
    const put = (number: number, of: string | undefined, given: object, tables: typeof DATA): void => {
      const table = of === undefined ? undefined : tables[of];
      out.attribute(number | NLA_F_NESTED, () => {
        if (given instanceof Uint8Array) out.raw(given);
        else if (table !== undefined) writeAttributes(out, table, given as Record<string, unknown>);
      });
    };
    if (kind !== undefined) out.attribute(1, () => text().write(out, kind));
    if (data !== undefined) put(2, kind, data, DATA);
    if (slaveKind !== undefined) out.attribute(4, () => text().write(out, slaveKind));
    if (slaveData !== undefined) put(5, slaveKind, slaveData, SLAVE_DATA);
  },
};

/** Two ports in network order (`struct ifla_vxlan_port_range`). */
function bigEndianRange(): AttributeType<{ low: number; high: number }> {
  return {
    min: range.size,
    max: range.size,
    read: (view, at) => ({ low: view.getUint16(at), high: view.getUint16(at + 2) }),
    write: (out, { low, high }) => void out.be16(low).be16(high),
  };
}
