import { orThrow, parseScenario, runScenario } from "../../../packages/scenario/src/index.ts";

/** Sixteen hosts at 100 Mbit/s in a fat-tree of 4-port switches, each with a TCP flow to one other, for a second. */
const SECOND = `
name: fat-tree
duration: 1s
hosts: {}
fabrics:
  tree:
    fatTree: { k: 4 }
    rate: 100mbit
    delay: 10us
    queue: { fifo: { limit: 100p } }
    select: SELECT
traffic:
  permutation: { permutation: { in: [tree] } }
`;

/** CPU seconds that the second costs. `round-robin` spreads packets over all paths, so that nearly every host sends at its full rate. */
export async function fatTreeSecond(select: "hash" | "round-robin"): Promise<number> {
  const scenario = orThrow(parseScenario(SECOND.replace("SELECT", select)));
  const before = process.cpuUsage();
  const result = await runScenario(scenario);
  const { user, system } = process.cpuUsage(before);
  if (result.fabrics?.length !== 1) throw new Error("the fabric has no result");
  return (user + system) / 1e6;
}
