import { size } from "../quantities.ts";
import type { CheckReporter } from "../schema/part.ts";
import type { Scenario } from "../types.ts";
import { checkEnds, checkPort } from "./traffic.ts";

/** Who sends to whom over TCP, and whether they can. */
export function checkTcp(scenario: Scenario, report: CheckReporter): void {
  const ports = new Map<string, string>();
  for (const [name, { tcp, tcpRequests }] of Object.entries(scenario.traffic ?? {})) {
    if (tcp !== undefined) {
      const path = ["traffic", name, "tcp"];
      checkEnds(scenario, tcp, path, report);
      checkPort(tcp.to, tcp.port ?? 5201, name, ports, path, report);
    }
    if (tcpRequests === undefined) continue;
    const path = ["traffic", name, "tcpRequests"];
    checkEnds(scenario, tcpRequests, path, report);
    checkPort(tcpRequests.to, tcpRequests.port ?? 80, name, ports, path, report);
    for (const key of ["request", "response"] as const) {
      const bytes = tcpRequests[key];
      if (bytes !== undefined && size(bytes) === 0)
        report.error([...path, key], "an empty one cannot be told from none");
    }
    if (tcpRequests.fastOpen === true && tcpRequests.fresh !== true) {
      report.error([...path, "fastOpen"], "a connection that is kept is opened once", "set fresh: true");
    }
  }
}
