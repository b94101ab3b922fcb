import {
  EXID_ACC_ECN_0,
  EXID_ACC_ECN_1,
  EXID_FAST_OPEN,
  TCPOPT_ACC_ECN_0,
  TCPOPT_ACC_ECN_1,
  TCPOPT_EOL,
  TCPOPT_EXPERIMENT,
  TCPOPT_FAST_OPEN,
  TCPOPT_MD5,
  TCPOPT_MSS,
  TCPOPT_NOP,
  TCPOPT_SACK,
  TCPOPT_SACK_PERMITTED,
  TCPOPT_TIMESTAMP,
  TCPOPT_WSCALE,
  type TcpOption,
} from "../language/tcp-options.ts";
import { MalformedPacket } from "./decode.ts";

/** The options in `bytes`, padding included as the NOPs or EOLs that it is made of. */
export function decodeOptions(bytes: Uint8Array): TcpOption[] {
  const options: TcpOption[] = [];
  for (let at = 0; at < bytes.length;) {
    const kind = bytes[at] as number;
    if (kind <= TCPOPT_NOP) {
      options.push({ kind: kind === TCPOPT_EOL ? "eol" : "nop" });
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > bytes.length) throw new MalformedPacket(`TCP option ${kind} of length ${length}`);
    options.push(decodeOption(kind, bytes.subarray(at + 2, at + length)));
    at += length;
  }
  return options;
}

function decodeOption(kind: number, data: Uint8Array): TcpOption {
  const { length } = data;
  if (kind === TCPOPT_MSS && length === 2) return { kind: "mss", value: be(data) };
  if (kind === TCPOPT_WSCALE && length === 1) return { kind: "wscale", value: be(data) };
  if (kind === TCPOPT_SACK_PERMITTED && length === 0) return { kind: "sackOK" };
  if (kind === TCPOPT_SACK && length % 8 === 0) return { kind: "sack", blocks: blocks(data) };
  if (kind === TCPOPT_TIMESTAMP && length === 8) {
    return { kind: "TS", val: be(data.subarray(0, 4)), ecr: be(data.subarray(4)) };
  }
  if (kind === TCPOPT_FAST_OPEN) return { kind: "FO", cookie: hexOf(data) };
  if (kind === TCPOPT_MD5) return { kind: "md5", digest: hexOf(data) };
  if ((kind === TCPOPT_ACC_ECN_0 || kind === TCPOPT_ACC_ECN_1) && length % 3 === 0) {
    return accEcn(kind === TCPOPT_ACC_ECN_0 ? 0 : 1, data, false);
  }
  if (kind === TCPOPT_EXPERIMENT && length >= 2) return decodeExperiment(be(data.subarray(0, 2)), data.subarray(2));
  return { kind: "generic", number: kind, data: hexOf(data) };
}

function decodeExperiment(exid: number, data: Uint8Array): TcpOption {
  if (exid === EXID_FAST_OPEN) return { kind: "FOEXP", cookie: hexOf(data) };
  if (exid === EXID_ACC_ECN_0 && data.length % 3 === 0) return accEcn(0, data, true);
  if (exid === EXID_ACC_ECN_1 && data.length % 3 === 0) return accEcn(1, data, true);
  return { kind: "experiment", exid, data: hexOf(data) };
}

function accEcn(order: 0 | 1, data: Uint8Array, experimental: boolean): TcpOption {
  const counters = Array.from({ length: data.length / 3 }, (_, i) => be(data.subarray(3 * i, 3 * i + 3)));
  return { kind: "AccECN", order, counters, experimental };
}

function blocks(data: Uint8Array): [number, number][] {
  return Array.from({ length: data.length / 8 }, (_, i): [number, number] => [
    be(data.subarray(8 * i, 8 * i + 4)),
    be(data.subarray(8 * i + 4, 8 * i + 8)),
  ]);
}

function be(bytes: Uint8Array): number {
  let value = 0;
  for (const byte of bytes) value = value * 256 + byte;
  return value;
}

export function hexOf(bytes: Iterable<number>): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
