import { duration } from "../quantities.ts";
import { commandOf, outputOf } from "../run/program-spec.ts";
import type { CheckReporter } from "../schema/part.ts";
import type { Program, Scenario } from "../types.ts";
import { suggestion } from "./did-you-mean.ts";

/** What only a shell understands. A line with such a character would not do what it looks like. */
const SHELL = /["'`$|&;<>()*?\\~]/;

/** Programs of this machine: where they run, and whether they ever do. */
export function checkPrograms(scenario: Scenario, report: CheckReporter): void {
  const programs = Object.entries(scenario.programs ?? {});
  if (programs.length > 0 && scenario.realtime !== true) {
    report.error(["programs"], "programs live in real time, and this scenario does not", "add realtime: true");
  }
  for (const [name, program] of programs) {
    const path = ["programs", name];
    if (scenario.traffic?.[name] !== undefined) report.error(path, `traffic ${name} has that name already`);
    checkPlace(scenario, program, [...path, "in"], report);
    checkCommand(program, [...path, "run"], report);
    checkTimes(scenario, program, path, report);
  }
}

function checkPlace(scenario: Scenario, { in: place }: Program, path: readonly string[], report: CheckReporter): void {
  const attachments = scenario.attachments ?? {};
  const attachment = attachments[place];
  if (attachment === undefined) {
    report.error(path, `there is no attachment ${place}`, suggestion(place, Object.keys(attachments)));
  } else if (attachment.tap?.netns === undefined) {
    report.error(path, `attachment ${place} has no network namespace`, "name one: tap: { name: …, netns: … }");
  }
}

function checkCommand(program: Program, path: readonly string[], report: CheckReporter): void {
  const command = commandOf(program);
  if (command[0] === undefined || command[0] === "") report.error(path, "names no program");
  if (typeof program.run === "string" && SHELL.test(program.run)) {
    report.error(path, "no shell reads this line", 'write a list, or [sh, -c, "…"]');
  }
  if (outputOf(program) === "iperf3" && !command.includes("-J") && !command.includes("--json")) {
    report.warning(path, "iperf3 is read only from its JSON", "add -J");
  }
}

function checkTimes(
  scenario: Scenario,
  { start = "0s", stop }: Program,
  path: readonly string[],
  report: CheckReporter,
): void {
  if (stop !== undefined && duration(stop) <= duration(start)) {
    report.error([...path, "stop"], `stops at ${stop}, and starts at ${start}`);
  }
  if (duration(start) >= duration(scenario.duration ?? "10s")) {
    report.warning([...path, "start"], "starts when the run is over");
  }
}
