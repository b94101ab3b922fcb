import { UnsupportedError } from "../language/errors.ts";
import {
  EXID_ACC_ECN_0,
  EXID_ACC_ECN_1,
  EXID_FAST_OPEN,
  EXID_TARR,
  TCPOPT_ACC_ECN_0,
  TCPOPT_ACC_ECN_1,
  TCPOPT_EXPERIMENT,
  TCPOPT_FAST_OPEN,
  TCPOPT_MSS,
  TCPOPT_NOP,
  TCPOPT_SACK,
  TCPOPT_SACK_PERMITTED,
  TCPOPT_TIMESTAMP,
  TCPOPT_WSCALE,
  TCPOPT_EOL,
  TCPOPT_MD5,
  type TcpOption,
} from "../language/tcp-options.ts";

/** The bytes of options, in their order, without padding. */
export function encodeOptions(options: readonly TcpOption[]): Uint8Array {
  return Uint8Array.from(options.flatMap(encodeOption));
}

function encodeOption(option: TcpOption): number[] {
  switch (option.kind) {
    case "nop":
      return [TCPOPT_NOP];
    case "eol":
      return [TCPOPT_EOL];
    case "sackOK":
      return [TCPOPT_SACK_PERMITTED, 2];
    case "mss":
      return [TCPOPT_MSS, 4, ...be(option.value, 2)];
    case "wscale":
      return [TCPOPT_WSCALE, 3, option.value];
    case "sack":
      return sized(
        TCPOPT_SACK,
        option.blocks.flatMap(([left, right]) => [...be(left, 4), ...be(right, 4)]),
      );
    case "TS":
      return [TCPOPT_TIMESTAMP, 10, ...be(option.val ?? 0, 4), ...be(option.ecr, 4)];
    case "FO":
      return sized(TCPOPT_FAST_OPEN, bytesOf(option.cookie));
    case "FOEXP":
      return experiment(EXID_FAST_OPEN, bytesOf(option.cookie));
    case "AccECN": {
      const counters = option.counters.flatMap((counter) => be(counter, 3));
      if (option.experimental) return experiment(option.order === 0 ? EXID_ACC_ECN_0 : EXID_ACC_ECN_1, counters);
      return sized(option.order === 0 ? TCPOPT_ACC_ECN_0 : TCPOPT_ACC_ECN_1, counters);
    }
    case "TARR":
      return experiment(EXID_TARR, option.rate === undefined ? [] : [option.rate << 1]);
    case "md5":
      if (option.digest === undefined) throw new UnsupportedError("TCP MD5 signatures");
      return sized(TCPOPT_MD5, bytesOf(option.digest));
    case "generic":
      return option.number <= TCPOPT_NOP ? [option.number] : sized(option.number, bytesOf(option.data));
    case "experiment":
      return experiment(option.exid, bytesOf(option.data));
    case "raw":
      return bytesOf(option.data);
  }
}

function sized(kind: number, data: readonly number[]): number[] {
  return [kind, data.length + 2, ...data];
}

function experiment(exid: number, data: readonly number[]): number[] {
  return sized(TCPOPT_EXPERIMENT, [...be(exid, 2), ...data]);
}

function be(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * (bytes - 1 - i))) & 0xff);
}

/** The bytes that hexadecimal digits stand for. */
export function bytesOf(digits: string): number[] {
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  return Array.from({ length: even.length / 2 }, (_, i) => Number.parseInt(even.slice(2 * i, 2 * i + 2), 16));
}
