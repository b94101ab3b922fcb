import { describe, expect, test } from "vitest";
import type { Libc } from "../src/libc/libc.ts";
import { grantVnet } from "../src/tap/vnet-grant.ts";
import { intArgument, readInt } from "../src/tap/tun-abi.ts";
import { ALL_OFFLOADS, wishOf } from "../src/tap-nic/features.ts";

const TUNGETFEATURES = 0x800454cf;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const TUNSETVNETLE = 0x400454dc;
const IFF_VNET_HDR = 0x4000;
const [EPERM, EINVAL, EBADFD] = [1, 22, 77];

interface Kernel {
  /** `TUN_F_…` that it knows. */
  readonly knows: number;
  readonly features?: number;
  /** What an ioctl of this number fails with. */
  readonly fails?: Readonly<Record<number, number>>;
}

/** A kernel's answers, and what it was asked. */
function kernel({ knows, features = IFF_VNET_HDR | 0x1000, fails = {} }: Kernel) {
  const asked: [request: number, value: number][] = [];
  let errno = 0;
  const answer = (request: number, value: number): number => {
    asked.push([request, value]);
    errno = fails[request] ?? (request === TUNSETOFFLOAD && (value & ~knows) !== 0 ? EINVAL : 0);
    return errno === 0 ? 0 : -1;
  };
  const libc: Pick<Libc, "ioctl" | "ioctlValue" | "errno"> = {
    ioctl(_fd, request, argument) {
      if (request === TUNGETFEATURES) argument.set(intArgument(features));
      return answer(request, readInt(argument));
    },
    ioctlValue: (_fd, request, argument) => answer(request, argument),
    errno: () => errno,
  };
  const grant = () => grantVnet(libc as Libc, 3, "tap0", wishOf(ALL_OFFLOADS));
  return { asked, grant };
}

describe("behaviour 28 (S18): what is agreed with the kernel about headers", () => {
  test("6.17 and later: everything, in headers of 24 bytes, little-endian", () => {
    const { asked, grant } = kernel({ knows: ALL_OFFLOADS });
    expect(grant()).toEqual({ headerBytes: 24, offloads: ALL_OFFLOADS });
    expect(asked).toEqual([
      [TUNGETFEATURES, IFF_VNET_HDR | 0x1000],
      [TUNSETVNETLE, 1],
      [TUNSETOFFLOAD, ALL_OFFLOADS],
      [TUNSETVNETHDRSZ, 24],
    ]);
  });

  test.each([
    ["6.2 to 6.16: no tunnels", 0x7f, 0x6f],
    ["before 6.2: no USO", 0x1f, 0x0f],
    ["a kernel that knows CSUM alone", 0x01, 0x01],
    ["a kernel that knows nothing", 0, 0],
  ])("%s: headers of 12 bytes", (_name, knows, offloads) => {
    expect(kernel({ knows }).grant()).toEqual({ headerBytes: 12, offloads });
  });

  test("a kernel without IFF_VNET_HDR: told so, with what to do", () => {
    const { grant } = kernel({ knows: 0, features: 0x1000 });
    expect(grant).toThrow(expect.objectContaining({ code: "ERR_UNSUPPORTED" }));
    expect(grant).toThrow(/vnetHdr/);
  });

  test("what is no unknown bit is told at once", () => {
    const { asked, grant } = kernel({ knows: ALL_OFFLOADS, fails: { [TUNSETOFFLOAD]: EBADFD } });
    expect(grant).toThrow(expect.objectContaining({ code: "EBADFD" }));
    expect(asked.filter(([request]) => request === TUNSETOFFLOAD)).toHaveLength(1);
  });

  test.each([TUNGETFEATURES, TUNSETVNETLE, TUNSETVNETHDRSZ])("ioctl %i fails: its errno is told", (request) => {
    expect(kernel({ knows: ALL_OFFLOADS, fails: { [request]: EPERM } }).grant).toThrow(
      expect.objectContaining({ code: "EPERM", message: expect.stringContaining("CAP_NET_ADMIN") as string }),
    );
  });
});
