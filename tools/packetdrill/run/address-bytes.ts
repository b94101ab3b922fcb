import { ScriptError } from "../language/errors.ts";

/** The bytes of an address in text: `192.0.2.1`, `2001:db8::1`. */
export function addressBytes(text: string): Uint8Array {
  return text.includes(":") ? ipv6Bytes(text) : ipv4Bytes(text);
}

function ipv4Bytes(text: string): Uint8Array {
  const parts = text.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) {
    throw new ScriptError(1, `${text} is not an address`);
  }
  return Uint8Array.from(parts);
}

function ipv6Bytes(text: string): Uint8Array {
  const [before = "", after] = text.split("::");
  const left = groups(before);
  const right = after === undefined ? [] : groups(after);
  const missing = 8 - left.length - right.length;
  const all = after === undefined ? left : [...left, ...Array.from({ length: missing }, () => 0), ...right];
  if (all.length !== 8 || all.some((group) => Number.isNaN(group)))
    throw new ScriptError(1, `${text} is not an address`);
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function groups(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}
