import type { IpInfo } from "../language/ip-info.ts";
import { field } from "./compare-tcp.ts";

const ECT1 = 1;
const ECT0 = 2;

/** How an IP header differs from what the script expects; what it does not say is not compared. */
export function compareIp(expected: IpInfo, actual: IpInfo): string | undefined {
  return (
    compareEcn(expected, actual) ??
    optional("DSCP", expected.dscp, actual.dscp) ??
    optional("TTL", expected.ttl, actual.ttl) ??
    optional("flow label", expected.flowLabel, actual.flowLabel)
  );
}

function compareEcn({ ecn: expected }: IpInfo, { ecn: actual }: IpInfo): string | undefined {
  if (expected === "ect01") return actual === ECT0 || actual === ECT1 ? undefined : "it is not ECN-capable";
  return optional("ECN", expected, typeof actual === "number" ? actual : undefined);
}

function optional(name: string, expected: number | undefined, actual: number | undefined): string | undefined {
  return expected === undefined ? undefined : field(name, expected, actual ?? 0);
}
