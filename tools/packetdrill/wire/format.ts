import type { IpInfo } from "../language/ip-info.ts";
import { ACK, formatTcpFlags } from "../language/tcp-flags.ts";
import type { TcpSpec } from "../language/tcp-line.ts";
import { ACC_ECN_FIELDS, type TcpOption } from "../language/tcp-options.ts";
import type { PacketLine } from "../language/script.ts";

const ECN_NAMES = ["noecn", "ect1", "ect0", "ce"] as const;

/** A packet line in packetdrill's notation, without its time. */
export function formatPacketLine(line: PacketLine, family: 4 | 6 = 4): string {
  return `${line.direction === "in" ? "<" : ">"} ${formatIpInfo(line.ip, family)}${formatBody(line)}`;
}

function formatBody({ body }: PacketLine): string {
  if (body.protocol === "tcp") return formatTcp(body);
  if (body.protocol === "udp") return `udp (${body.length})`;
  const { type, code, mtu, quoted } = body;
  const words = ["icmp", type];
  if (code !== undefined) words.push(code);
  if (mtu !== undefined) words.push(`mtu ${mtu}`);
  if (quoted.protocol === "udp") words.push(`[udp (${quoted.length})]`);
  else words.push(`[${quoted.seq}:${quoted.seq + quoted.length}(${quoted.length})]`);
  return words.join(" ");
}

/** A TCP segment in packetdrill's notation. */
export function formatTcp(tcp: TcpSpec): string {
  const words = [formatTcpFlags(tcp.flags, tcp.ace)];
  if (tcp.seq === undefined) words.push(`...(${tcp.length})`);
  else words.push(`${tcp.seq}:${(tcp.seq + tcp.length) % 2 ** 32}(${tcp.length})`);
  if (tcp.ack !== undefined && (tcp.ack !== 0 || (tcp.flags & ACK) !== 0)) words.push(`ack ${tcp.ack}`);
  if (tcp.window !== undefined) words.push(`win ${tcp.window}`);
  if (tcp.urgent !== undefined && tcp.urgent !== 0) words.push(`urg ${tcp.urgent}`);
  if (tcp.options === undefined) words.push("<...>");
  else if (tcp.options.length > 0) words.push(`<${tcp.options.map(formatOption).join(",")}>`);
  if (tcp.encapsulation !== undefined) {
    words.push(`/udp(${tcp.encapsulation.source} > ${tcp.encapsulation.destination})`);
  }
  return words.join(" ");
}

export function formatOption(option: TcpOption): string {
  switch (option.kind) {
    case "nop":
    case "eol":
    case "sackOK":
      return option.kind;
    case "mss":
    case "wscale":
      return `${option.kind} ${option.value}`;
    case "sack":
      return `sack ${option.blocks.map(([left, right]) => `${left}:${right}`).join(" ")}`;
    case "TS":
      return `TS val ${option.val ?? "..."} ecr ${option.ecr}`;
    case "FO":
    case "FOEXP":
      return `${option.kind} ${option.cookie}`.trimEnd();
    case "AccECN": {
      const fields = option.counters.map((value, i) => `${ACC_ECN_FIELDS[option.order][i] ?? "?"} ${value}`);
      return [`${option.experimental ? "exp-" : ""}AccECN${option.order}`, ...fields.map((field) => `e${field}`)].join(
        " ",
      );
    }
    case "TARR":
      return `exp-tarr ${option.rate ?? ""}`.trimEnd();
    case "md5":
      return `md5 ${option.digest ?? "valid"}`;
    case "generic":
      return `gen-${option.number} ${option.data}`.trimEnd();
    case "experiment":
      return `exp-${option.exid.toString(16)} ${option.data}`.trimEnd();
    case "raw":
      return option.data;
  }
}

function formatIpInfo(ip: IpInfo, family: 4 | 6): string {
  const words: string[] = [];
  if (ip.dscp !== undefined) words.push(`dscp 0x${ip.dscp.toString(16)}`);
  if (ip.ecn !== undefined) words.push(typeof ip.ecn === "number" ? (ECN_NAMES[ip.ecn] ?? "?") : ip.ecn);
  if (ip.ttl !== undefined) words.push(`${family === 4 ? "ttl" : "hlim"} ${ip.ttl}`);
  if (ip.flowLabel !== undefined) words.push(`flowlabel 0x${ip.flowLabel.toString(16)}`);
  return words.length === 0 ? "" : `[${words.join(", ")}] `;
}
