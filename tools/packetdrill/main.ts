import { parseArgs } from "node:util";
import { FREEBSD } from "./profile/freebsd.ts";
import { LINUX } from "./profile/linux.ts";
import type { Profile } from "./profile/profile.ts";
import { formatReport } from "./run/report.ts";
import { findScripts, runFile, summarise } from "./run/suite.ts";
import { createSevilleSystem } from "./sut/seville.ts";

const HELP = `usage: pnpm packetdrill FILE|DIRECTORY... [--profile linux|freebsd] [--lenient] [--json]
                        [--tolerance_usecs N] [--verbose] [--help]

Runs packetdrill scripts (*.pkt) against Seville's TCP, in virtual time, each on a simulated host of its own.

  --profile linux      settings of Linux 6.x (default): their names in sysctl lines, its socket options, its constants
  --profile freebsd    settings of FreeBSD 15
  --lenient            PSH, windows, and order, padding and timestamps of TCP options do not matter
  --tolerance_usecs N  how early or late a line may be, at least (default 4000, or what the script says)
  --json               print {total, passed, failed, unsupported, scripts: [{file, result, line, reason, expected, actual}]}
                       on standard output and nothing else
  --verbose            print passed scripts too, and what their code prints

A script that asks for something that is not done here is "unsupported", with the name of what it asks for; it never counts as passed.
Ends with status 0 if all scripts passed, 1 if not, 2 if there was nothing to run or an argument is wrong.`;

const PROFILES: Readonly<Record<string, Profile>> = { linux: LINUX, freebsd: FREEBSD };

function main(args: readonly string[]): number {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      profile: { type: "string", default: "linux" },
      lenient: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      tolerance_usecs: { type: "string" },
      verbose: { type: "boolean", short: "v", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const profile = Object.hasOwn(PROFILES, values.profile) ? PROFILES[values.profile] : undefined;
  if (profile === undefined) throw new Error(`there is no profile ${values.profile}: linux or freebsd`);
  const toleranceUsecs = values.tolerance_usecs === undefined ? undefined : Number(values.tolerance_usecs);
  if (Number.isNaN(toleranceUsecs))
    throw new Error(`--tolerance_usecs must be a number, not ${values.tolerance_usecs ?? ""}`);
  if (positionals.length === 0) throw new Error(`which script?\n\n${HELP}`);
  const files = positionals.flatMap(findScripts);
  if (files.length === 0) throw new Error(`there are no scripts (*.pkt) in ${positionals.join(" ")}`);
  const overrides = { lenient: values.lenient, toleranceUsecs };
  const report = summarise(files.map((file) => runFile(file, profile, createSevilleSystem, overrides)));
  console.log(values.json ? JSON.stringify(report, undefined, 2) : formatReport(report, values.verbose));
  return report.passed === report.total ? 0 : 1;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(`packetdrill: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
