import {
  OPTION_AO,
  OPTION_END,
  OPTION_FAST_OPEN,
  OPTION_MD5,
  OPTION_MSS,
  OPTION_NOP,
  OPTION_SACK,
  OPTION_SACK_PERMITTED,
  OPTION_TIMESTAMPS,
  OPTION_WINDOW_SCALE,
  optionLengthAt,
} from "../../header/tcp-options.ts";
import type { Dissection } from "../dissection.ts";
import { TCP_OPTION_NAMES } from "../names.ts";

const TITLES: Readonly<Record<number, readonly [name: string, abbreviation: string]>> = {
  [OPTION_END]: ["End of Option List (EOL)", "tcp.options.eol"],
  [OPTION_NOP]: ["No-Operation (NOP)", "tcp.options.nop"],
  [OPTION_MSS]: ["Maximum segment size", "tcp.options.mss"],
  [OPTION_WINDOW_SCALE]: ["Window scale", "tcp.options.wscale"],
  [OPTION_SACK_PERMITTED]: ["SACK permitted", "tcp.options.sack_perm"],
  [OPTION_SACK]: ["SACK", "tcp.options.sack"],
  [OPTION_TIMESTAMPS]: ["Timestamps", "tcp.options.timestamp"],
  [OPTION_MD5]: ["TCP MD5 signature", "tcp.options.md5"],
  [OPTION_AO]: ["TCP AO", "tcp.options.ao"],
  [OPTION_FAST_OPEN]: ["TCP Fast Open", "tcp.options.tfo"],
};
const UNKNOWN = ["Unknown", "tcp.options.unknown"] as const;
/** RFC 4727: their own two bytes say whose experiment it is (RFC 6994). */
const EXPERIMENTS: readonly number[] = [253, 254];

/** TCP options (RFC 9293 §3.2). */
export function dissectTcpOptions(d: Dissection, at: number, end: number): void {
  d.raw("Options", "tcp.options", at, end - at);
  let next = at;
  while (next < end && !d.full) {
    const length = optionLengthAt(d.view, next, end);
    if (length === 0) {
      d.malformed(next, "bad-option");
      return;
    }
    dissectOption(d, next, length);
    next += length;
  }
}

function dissectOption(d: Dissection, at: number, length: number): void {
  const type = d.view.getUint8(at);
  const isExperiment = EXPERIMENTS.includes(type);
  const [name, abbreviation] = isExperiment ? ["Experimental", "tcp.options.experimental"] : (TITLES[type] ?? UNKNOWN);
  d.group(name, abbreviation, at, length, () => {
    d.uint("Kind", "tcp.option_kind", at, 1, { names: TCP_OPTION_NAMES });
    if (type <= OPTION_NOP) return;
    d.uint("Length", "tcp.option_len", at + 1, 1);
    if (isExperiment && length >= 4) dissectExperiment(d, at, length);
    else dissectBody(d, type, at, length);
  });
}

function dissectExperiment(d: Dissection, at: number, length: number): void {
  d.uint("Experiment Identifier", "tcp.options.experimental.exid", at + 2, 2, { hex: true });
  if (length > 4) d.raw("Data", "tcp.options.experimental.data", at + 4, length - 4);
}

function dissectBody(d: Dissection, type: number, at: number, length: number): void {
  switch (type) {
    case OPTION_MSS:
      if (expect(d, at, length === 4)) d.uint("MSS Value", "tcp.options.mss_val", at + 2, 2);
      return;
    case OPTION_WINDOW_SCALE:
      if (expect(d, at, length === 3)) d.uint("Shift count", "tcp.options.wscale.shift", at + 2, 1);
      return;
    case OPTION_SACK_PERMITTED:
      expect(d, at, length === 2);
      return;
    case OPTION_SACK:
      if (!expect(d, at, length >= 10 && length % 8 === 2)) return;
      for (let i = 2; i < length; i += 8) {
        d.uint("TCP SACK Left Edge", "tcp.options.sack_le", at + i, 4);
        d.uint("TCP SACK Right Edge", "tcp.options.sack_re", at + i + 4, 4);
      }
      return;
    case OPTION_TIMESTAMPS:
      if (!expect(d, at, length === 10)) return;
      d.uint("Timestamp value", "tcp.options.timestamp.tsval", at + 2, 4);
      d.uint("Timestamp echo reply", "tcp.options.timestamp.tsecr", at + 6, 4);
      return;
    case OPTION_MD5:
      if (expect(d, at, length === 18)) d.raw("MD5 digest", "tcp.options.md5.digest", at + 2, 16);
      return;
    case OPTION_AO:
      if (!expect(d, at, length >= 4)) return;
      d.uint("AO KeyID", "tcp.options.ao.keyid", at + 2, 1);
      d.uint("AO RNextKeyID", "tcp.options.ao.rnextkeyid", at + 3, 1);
      if (length > 4) d.raw("AO MAC", "tcp.options.ao.mac", at + 4, length - 4);
      return;
    case OPTION_FAST_OPEN:
      if (length > 2) d.raw("Fast Open Cookie", "tcp.options.tfo.cookie", at + 2, length - 2);
      return;
    default:
      if (length > 2) d.raw("Payload", "tcp.options.unknown.payload", at + 2, length - 2);
  }
}

/** Says it where an option has a length that its kind does not have. */
function expect(d: Dissection, at: number, isRight: boolean): boolean {
  if (!isRight) d.malformed(at, "bad-option");
  return isRight;
}
