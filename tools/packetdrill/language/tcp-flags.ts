import type { Cursor } from "./cursor.ts";

export const FIN = 0x001;
export const SYN = 0x002;
export const RST = 0x004;
export const PSH = 0x008;
export const ACK = 0x010;
export const URG = 0x020;
export const ECE = 0x040;
export const CWR = 0x080;
/** The third bit of the ACE field (RFC 9768 §2.1), once the nonce sum. */
export const AE = 0x100;
/** The three bits of which AccECN makes a counter. */
export const ACE_MASK: number = AE | CWR | ECE;

const LETTERS: readonly (readonly [string, number])[] = [
  ["F", FIN],
  ["S", SYN],
  ["R", RST],
  ["P", PSH],
  ["E", ECE],
  ["W", CWR],
  ["A", AE],
  ["U", URG],
  [".", ACK],
];

export interface TcpFlags {
  readonly bits: number;
  /** The line gives the ACE field as a number (`.5`): its bits are in `bits`. */
  readonly ace: boolean;
}

/** Flags as packetdrill writes them: letters, `.` for ACK, a digit for ACE, `-` for none. */
export function parseTcpFlags(cursor: Cursor): TcpFlags | undefined {
  const word = cursor.match(/-(?=\s)|[FSRPEWAU]*\.[0-7](?=\s)|[FSRPEWAU.]+(?=[\s\d])/y)?.[0];
  if (word === undefined) return undefined;
  let bits = 0;
  let ace = false;
  for (const letter of word) {
    if (letter === "-") continue;
    if (letter >= "0" && letter <= "7") {
      bits |= aceBits(Number(letter));
      ace = true;
      continue;
    }
    bits |= (LETTERS.find(([name]) => name === letter) as readonly [string, number])[1];
  }
  return { bits, ace };
}

/** Flags in packetdrill's notation. */
export function formatTcpFlags(bits: number, ace = false): string {
  let text = "";
  for (const [letter, bit] of LETTERS) {
    if ((bits & bit) === 0 || (ace && (bit & ACE_MASK) !== 0)) continue;
    text += letter;
  }
  if (ace) text += String(aceValue(bits));
  return text === "" ? "-" : text;
}

export function aceBits(value: number): number {
  return ((value & 4) === 0 ? 0 : AE) | ((value & 2) === 0 ? 0 : CWR) | ((value & 1) === 0 ? 0 : ECE);
}

export function aceValue(bits: number): number {
  return ((bits & AE) === 0 ? 0 : 4) | ((bits & CWR) === 0 ? 0 : 2) | ((bits & ECE) === 0 ? 0 : 1);
}
