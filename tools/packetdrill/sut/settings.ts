import { SevilleError } from "../../../packages/core/src/index.ts";
import type { Host } from "../../../packages/stack/src/index.ts";
import type { TcpHost } from "../../../packages/stack/src/tcp/index.ts";
import type { TcpSettings } from "../../../packages/tcp/src/index.ts";

type Plain = Record<string, number | boolean | string | readonly number[] | undefined>;

/** Settings that name something of the runner's world that needs nothing done. */
const WITHOUT_EFFECT = new Set(["pacing"]);

/**
 * Sets a sysctl of the host by its short Linux name (`tcp_sack`), one number of a list (`tcp_rmem[1]`), a bit (`tcp_fastopen&2`), or a knob of the engine.
 * @returns `false` if there is none of that name, or it does not take that value
 */
export function changeSetting(host: Host, tcp: TcpHost, settings: TcpSettings, name: string, value: string): boolean {
  if (WITHOUT_EFFECT.has(name)) return true;
  if (name === "tcp_fastopen_key") return setFastOpenKey(tcp, value);
  const plain = settings as unknown as Plain;
  const part = /^(\w+)\[(\d)\]$/.exec(name);
  if (part !== null) {
    const list = plain[part[1] as string];
    if (!Array.isArray(list)) return false;
    plain[part[1] as string] = (list as number[]).map((item, i) => (i === Number(part[2]) ? Number(value) : item));
    return true;
  }
  const bit = /^(\w+)&(\d+)$/.exec(name);
  if (bit !== null) {
    const before = plain[bit[1] as string];
    if (typeof before !== "number") return false;
    plain[bit[1] as string] = value === "0" ? before & ~Number(bit[2]) : before | Number(bit[2]);
    return true;
  }
  if (setKnob(plain, name, value)) return true;
  return ["net.ipv4", "net.ipv6", "net.core"].some((group) => setSysctl(host, `${group}.${name}`, value));
}

function setKnob(settings: Plain, name: string, value: string): boolean {
  // What has a kernel name goes through the host's table, which checks its range.
  if (name.startsWith("tcp_") || !Object.hasOwn(settings, name)) return false;
  const before = settings[name];
  if (typeof before === "boolean") settings[name] = value !== "0";
  else if (typeof before === "number") settings[name] = Number(value);
  else return false;
  return true;
}

function setSysctl(host: Host, name: string, value: string): boolean {
  try {
    host.sysctls.setText(name, value);
    return true;
  } catch (error) {
    if (error instanceof SevilleError && (error.code === "ENOENT" || error.code === "EINVAL")) return false;
    throw error;
  }
}

/** `xxxxxxxx-xxxxxxxx-xxxxxxxx-xxxxxxxx`, two of them with a comma between. */
function setFastOpenKey(tcp: TcpHost, value: string): boolean {
  const keys = value.split(",").map(keyBytes);
  if (keys.some((key) => key === undefined)) return false;
  tcp.endpoint.setFastOpenKeys(undefined, keys as Uint8Array[]);
  return true;
}

/** The kernel keeps the four words in the processor's order, which is little-endian (`proc_tcp_fastopen_key`). */
function keyBytes(text: string): Uint8Array | undefined {
  const words = text
    .trim()
    .split("-")
    .map((word) => Number.parseInt(word, 16));
  if (words.length !== 4 || words.some((word) => Number.isNaN(word))) return undefined;
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word, true);
  return bytes;
}
