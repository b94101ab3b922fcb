import type { ProgramResult, ProgramWire, ScenarioResult } from "@seville/scenario";
import { formatCount, formatDrops, formatRate, formatTime, programFate, PROTOCOL_NAMES } from "@seville/report";
import { colours } from "./colours.ts";
import { table } from "./table.ts";

/** What programs of this machine measured, and beside it what the simulator and the kernels counted. */
export function programs(result: ScenarioResult): string {
  const parts = [pings(result), iperfs(result), others(result), crossings(result)];
  return parts.filter((part) => part !== "").join("\n\n");
}

function pings({ programs: list = [] }: ScenarioResult): string {
  const rows = list.flatMap(({ name, ping, wire }) => {
    if (ping === undefined) return [];
    const { address, sent, received, rtt } = ping;
    const times = [rtt.min, rtt.p50, rtt.p95, rtt.max, rtt.mdev];
    return [
      [
        `${name} (${address})`,
        formatCount(sent),
        lost(sent - received),
        ...times.map((value) => (rtt.count === 0 ? "–" : formatTime(value))),
        ...counted(wire),
        wire?.modelRtt === undefined ? "–" : formatTime(wire.modelRtt),
      ],
    ];
  });
  const head = [
    "ping",
    "sent",
    "lost",
    "min",
    "median",
    "p95",
    "max",
    "mdev",
    "| frames",
    "dropped",
    "RTT of the links",
  ];
  return table("What ping measured | what the simulator counted", head, 1, rows);
}

function iperfs({ programs: list = [] }: ScenarioResult): string {
  const rows = list.flatMap(({ name, iperf3, wire }) => {
    if (iperf3 === undefined) return [];
    const { protocol, throughput, packets, received, jitter, retransmits } = iperf3;
    return [
      [
        name,
        protocol.toUpperCase(),
        formatRate(throughput),
        packets === undefined ? "–" : formatCount(packets),
        packets === undefined || received === undefined ? "–" : lost(packets - received),
        jitter === undefined ? "–" : formatTime(jitter),
        retransmits === undefined ? "–" : formatCount(retransmits),
        ...counted(wire),
      ],
    ];
  });
  const head = ["iperf3", "", "throughput", "sent", "missing", "jitter", "retransmits", "| frames", "dropped"];
  return table("What iperf3 measured | what the simulator counted", head, 2, rows);
}

/** Programs that are not read, and those that failed. */
function others({ programs: list = [] }: ScenarioResult): string {
  const rows = list
    .filter(({ ping, iperf3 }) => ping === undefined && iperf3 === undefined)
    .map((program: ProgramResult) => [program.name, program.command.join(" "), programFate(program)]);
  return table("Other programs", ["name", "command", "end"], 3, rows);
}

function crossings({ crossings: list = [] }: ScenarioResult): string {
  const rows = list.map(({ protocol, sent, received, missing, dropped, drops }) => [
    PROTOCOL_NAMES[protocol],
    formatCount(sent),
    formatCount(received),
    lost(missing),
    lost(dropped),
    formatDrops(drops),
  ]);
  const head = ["packets", "sent", "received", "missing", "| dropped", "by reason"];
  return table("What the kernels counted | what the simulator dropped", head, 1, rows);
}

/** Frames that came in, and what links dropped of them, there and back. */
function counted(wire: ProgramWire | undefined): string[] {
  if (wire === undefined) return ["–", "–"];
  const dropped = [wire.forth, wire.back].map(({ drops }) => Object.values(drops).reduce((sum, n) => sum + n, 0));
  return [
    `${formatCount(wire.forth.entered)} + ${formatCount(wire.back.entered)}`,
    `${formatCount(dropped[0] ?? 0)} + ${formatCount(dropped[1] ?? 0)}`,
  ];
}

function lost(count: number): string {
  return count === 0 ? "0" : colours.red(formatCount(count));
}
