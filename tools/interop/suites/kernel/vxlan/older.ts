import { TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6, TUN_F_TSO_ECN } from "../../../../../packages/tso/src/index.ts";
import { defineCases, type LabCase } from "./cases.ts";
import { openLab } from "./lab.ts";
import { hashed } from "./transfers.ts";
import { VARIANTS } from "./variants.ts";

/** What Linux knew before USO (6.2) and tunnels (6.17). */
const OLDER = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

/** With the headers of 12 bytes that kernels before 6.17 have, the wrapped side is split by the kernel and merged by our GRO. */
export const olderCases: readonly LabCase[] = defineCases([
  {
    name: "TCP both ways with what kernels before 6.2 can: CSUM and TSO, headers of 12 bytes",
    async run() {
      const lab = await openLab({ offloads: OLDER });
      try {
        const told: string[] = [];
        for (const variant of VARIANTS) {
          for (const direction of ["in", "out"] as const) {
            told.push(await hashed(lab, variant, variant.underlay, direction, 16e6));
          }
        }
        return told.at(-1) ?? "";
      } finally {
        await lab.close();
      }
    },
  },
]);
