import { missing } from "../../../testing/needs.ts";
import type { Suite } from "../../lib/suite.ts";
import { aliveCases } from "./tcp/alive-cases.ts";
import { bulkCases } from "./tcp/bulk-cases.ts";
import { closeCases } from "./tcp/close-cases.ts";
import { ecnCases } from "./tcp/ecn-cases.ts";
import { handshakeCases } from "./tcp/handshake-cases.ts";
import { openLab, type TcpLab } from "./tcp/lab.ts";
import { lastCases } from "./tcp/last.ts";
import { lossyCases } from "./tcp/lossy-cases.ts";
import { pathCases } from "./tcp/path-cases.ts";
import { programCases } from "./tcp/program-cases.ts";
import { windowCases } from "./tcp/window-cases.ts";

/** Our TCP against the host's own kernel's, which sits in a network namespace behind TAP devices. */
export const suite: Suite<TcpLab> = {
  missing: () => missing("linux", "root", "tun", "ip", "python3", "tshark"),
  start: () => openLab(),
  cases: [
    ...handshakeCases,
    ...closeCases,
    ...aliveCases,
    ...windowCases,
    ...pathCases,
    ...ecnCases,
    ...programCases,
    ...bulkCases,
    ...lossyCases,
    ...lastCases,
  ],
  stop: (lab) => lab.close(),
};
