import type { GuestSession } from "../../../../linux-peer/session.ts";
import { CaseFailure } from "../../../lib/suite.ts";

export interface IperfSum {
  readonly bytes: number;
  readonly bits_per_second: number;
  /** UDP: datagrams up to the highest number that was seen, and how many of them were not. */
  readonly packets?: number;
  readonly lost_packets?: number;
}

/** The part of iperf3's JSON that is looked at. */
export interface IperfReport {
  readonly end: {
    readonly sum_sent?: IperfSum;
    readonly sum_received?: IperfSum;
  };
  readonly error?: string;
}

/** Runs iperf3 from `client` to a server of one run in `server`. `args` as iperf3 takes them. */
export async function iperf(
  server: GuestSession,
  client: GuestSession,
  address: string,
  args: string,
): Promise<IperfReport> {
  await server.expect(
    "iperf3 -s -1 -D -I /run/iperf.pid; for i in $(seq 50); do ss -ltn | grep -q :5201 && break; sleep 0.05; done",
  );
  const { output } = await client.run(`iperf3 -J -c ${address} ${args} | tr '\\n\\t' '  '; echo`, 120_000);
  await server.run("kill $(tr -d '\\0' </run/iperf.pid) 2>/dev/null");
  let report: IperfReport;
  try {
    report = JSON.parse(output) as IperfReport;
  } catch {
    throw new CaseFailure(`iperf3 printed no JSON:\n${output.slice(0, 2000)}`);
  }
  if (report.error !== undefined) throw new CaseFailure(`iperf3: ${report.error}`);
  return report;
}
