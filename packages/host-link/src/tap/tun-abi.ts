import { invalidArgument } from "@seville/core";

/** Numbers of the Linux TUN/TAP and interface ioctls (include/uapi/linux/{if_tun,sockios,if}.h), as on x86 and ARM. */
export const TUNSETIFF = 0x4004_54ca;
export const TUNGETFEATURES = 0x8004_54cf;
export const TUNSETOFFLOAD = 0x4004_54d0;
export const TUNSETVNETHDRSZ = 0x4004_54d8;
export const TUNSETVNETLE = 0x4004_54dc;
export const SIOCGIFFLAGS = 0x8913;
export const SIOCSIFFLAGS = 0x8914;
export const SIOCGIFMTU = 0x8921;
export const SIOCSIFMTU = 0x8922;
export const SIOCSIFHWADDR = 0x8924;
export const SIOCGIFHWADDR = 0x8927;
export const IFF_UP = 0x1;
export const IFF_TAP = 0x2;
/** Several descriptors, each a queue of its own. */
export const IFF_MULTI_QUEUE = 0x100;
/** A `virtio_net_hdr` in front of each frame. */
export const IFF_VNET_HDR = 0x4000;
/** No 4 bytes of packet information in front of each frame. */
export const IFF_NO_PI = 0x1000;
export const ARPHRD_ETHER = 1;

/** The C libraries' `struct ifreq`: a name of 16 bytes, then a union of 24. */
const IFREQ_BYTES = 40;
const IFNAMSIZ = 16;
/** Architectures whose ioctl numbers are the ones above. MIPS, PowerPC and SPARC count otherwise. */
export const SUPPORTED_ARCHITECTURES: readonly string[] = [
  "x64",
  "arm64",
  "arm",
  "ia32",
  "riscv64",
  "loong64",
  "s390x",
];

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Checks the name of an interface as `dev_valid_name()` does (net/core/dev.c). */
export function checkInterfaceName(name: string, argument: string): void {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes === 0 || bytes >= IFNAMSIZ || name === "." || name === ".." || /[/:\s]/.test(name)) {
    throw invalidArgument(argument, "an interface name of 1 to 15 bytes without '/', ':' or blanks", name);
  }
}

/** A `struct ifreq` for the device `name`, its union empty. */
export function ifreq(name: string): Uint8Array {
  const request = new Uint8Array(IFREQ_BYTES);
  request.set(new TextEncoder().encode(name));
  return request;
}

/** `ifr_flags`. */
export function setFlags(request: Uint8Array, flags: number): void {
  viewOf(request).setInt16(IFNAMSIZ, (flags << 16) >> 16, littleEndian);
}

export function getFlags(request: Uint8Array): number {
  return viewOf(request).getUint16(IFNAMSIZ, littleEndian);
}

/** An `int`, or `unsigned int`, as ioctls take it by its address. */
export function intArgument(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setInt32(0, value, littleEndian);
  return bytes;
}

export function readInt(bytes: Uint8Array): number {
  return viewOf(bytes).getInt32(0, littleEndian);
}

/** `ifr_mtu`. */
export function setMtu(request: Uint8Array, mtu: number): void {
  viewOf(request).setInt32(IFNAMSIZ, mtu, littleEndian);
}

export function getMtu(request: Uint8Array): number {
  return viewOf(request).getInt32(IFNAMSIZ, littleEndian);
}

/** `ifr_hwaddr`: the family, then the six bytes. */
export function setHardwareAddress(request: Uint8Array, mac: Uint8Array): void {
  viewOf(request).setUint16(IFNAMSIZ, ARPHRD_ETHER, littleEndian);
  request.set(mac, IFNAMSIZ + 2);
}

export function getHardwareAddress(request: Uint8Array): Uint8Array {
  return request.slice(IFNAMSIZ + 2, IFNAMSIZ + 8);
}

/** `02:00:00:00:00:01` as six bytes. Not a group address: the kernel refuses those with EADDRNOTAVAIL. */
export function parseMac(text: string, argument: string): Uint8Array {
  if (!/^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i.test(text)) {
    throw invalidArgument(argument, 'an Ethernet address such as "02:00:00:00:00:01"', text);
  }
  const mac = Uint8Array.from(text.split(":"), (part) => Number.parseInt(part, 16));
  if (((mac[0] as number) & 1) === 1 || mac.every((byte) => byte === 0)) {
    throw invalidArgument(argument, "the address of one station, neither a group nor zero", text);
  }
  return mac;
}

/** Six bytes as `02:00:00:00:00:01`. */
export function formatMac(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** `tx_dropped` of `device` in the text of /proc/net/dev: what the kernel could not hand to the TAP's reader. */
export function parseTxDropped(procNetDev: string, device: string): number | undefined {
  for (const line of procNetDev.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 0 || line.slice(0, colon).trim() !== device) continue;
    const fields = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/);
    return Number(fields[11]);
  }
  return undefined;
}

function viewOf(request: Uint8Array): DataView {
  return new DataView(request.buffer, request.byteOffset, request.byteLength);
}
