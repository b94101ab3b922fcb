import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { EXIT } from "./exit-codes.ts";
import { explain } from "./failure.ts";
import type { DissectFlags } from "./commands/dissect.ts";
import type { ListenFlags } from "./commands/listen.ts";
import type { ProxyFlags } from "./commands/proxy.ts";
import type { RunFlags } from "./commands/run.ts";
import type { VerifyFlags } from "./commands/verify-determinism.ts";
import { version } from "./version.ts";

/**
 * Runs the command that `args` spell and returns its exit code. Prints, and writes files, as the command says.
 *
 * What a command needs is imported when it runs: `--help` must not wait for engines.
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const outcome: Outcome = { exitCode: EXIT.OK };
  try {
    await program(outcome).parseAsync(args, { from: "user" });
    return outcome.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
    const { message, exitCode } = explain(error);
    process.stderr.write(`seville: ${message}\n`);
    return exitCode;
  }
}

interface Outcome {
  exitCode: number;
}

function program(outcome: Outcome): Command {
  const command = new Command("seville")
    .description(
      "A simulated network in one command: hosts, links, faults and traffic from a file, repeatable to the byte.",
    )
    .version(version(), "-V, --version")
    .showHelpAfterError("(seville --help lists commands and options)")
    .showSuggestionAfterError(true)
    .exitOverride()
    .addHelpText("after", HELP);
  addRun(command, outcome);
  addListen(command, outcome);
  addProxy(command, outcome);
  addOthers(command, outcome);
  return command;
}

function addRun(command: Command, outcome: Outcome): void {
  command
    .command("run")
    .description("run a scenario, then print what happened and write a report and captures")
    .argument("[scenario]", "a shipped scenario (see `seville scenarios`) or a file", "hello")
    .option("--seed <number>", "where all randomness comes from, in place of the scenario's", wholeNumber)
    .option("--until <time>", "how long to run, such as 2.5s, in place of the scenario's duration")
    .option("--set <path=value>", "change a value, such as links.wan.loss=2%; may be given again", gather, [])
    .option("--quick", "make the changes that the scenario names for a short run")
    .option("--out <dir>", "where report, result and captures go", "seville-out/<scenario>")
    .option("--report <file>", "write the HTML report here (with --no-report: none)")
    .option("--no-report")
    .option("--pcap <dir>", "write a pcapng file for each interface here (with --no-pcap: none)")
    .option("--no-pcap")
    .addOption(
      new Option(
        "--pcap-at <place>",
        "wire: frames as on the link; host: as tcpdump sees them, with unfinished checksums",
      )
        .choices(["wire", "host"])
        .default("wire"),
    )
    .option("--pcap-in <file>", "the capture that the scenario's replay attachment plays")
    .option("--json", "print the result as JSON and nothing else; write only files that are asked for")
    .option("--quiet", "print nothing but errors")
    .addHelpText("after", RUN_HELP)
    .action(async (scenario: string, flags: RunFlags, self: Command) => {
      const { run } = await import("./commands/run.ts");
      outcome.exitCode = await run(scenario, {
        ...flags,
        outIsDefault: self.getOptionValueSource("out") === "default",
      });
    });
}

function addListen(command: Command, outcome: Outcome): void {
  command
    .command("listen")
    .description("receive tunnelled frames on a UDP port, print them, and write a capture; Ctrl-C ends it")
    .addArgument(new Argument("<protocol>", "what comes in").choices(["vxlan", "geneve", "gue"]))
    .option("--port <number>", "UDP port (vxlan 4789, geneve 6081, gue 6080)", wholeNumber)
    .option("--host <address>", "address to listen on (default: all)")
    .option(
      "--vni <number>",
      "only this network; may be given again",
      (text, before: number[]) => [...before, wholeNumber(text)],
      [],
    )
    .option("--gpe", "vxlan: the generic protocol extension (port 4790)")
    .option("--pcap <file>", "write the inner frames to a pcapng file")
    .option("--count <number>", "end after so many frames", wholeNumber)
    .option("--duration <seconds>", "end after so long", wholeNumber)
    .option("--json", "print the statistics as JSON at the end and nothing else")
    .option("--quiet", "print no frames")
    .addHelpText("after", LISTEN_HELP)
    .action(async (protocol: ListenFlags["protocol"], flags: Omit<ListenFlags, "protocol">) => {
      const { listen } = await import("./commands/listen.ts");
      outcome.exitCode = await listen({ ...flags, protocol });
    });
}

function addProxy(command: Command, outcome: Outcome): void {
  command
    .command("proxy")
    .description("put a bad network between a real TCP client and a real server, in real time and without root")
    .requiredOption("--listen <host:port>", "where clients connect to")
    .requiredOption("--to <host:port>", "the server")
    .option("--link <words>", `what lies between, such as "delay=20ms loss=1% rate=10mbit"`, "delay=20ms")
    .option("--up <words>", "what differs on the way to the server")
    .option("--down <words>", "what differs on the way back")
    .option("--congestion <name>", "congestion control: cubic, bbr, bbr3, reno, dctcp")
    .option("--control", "read changes of the link from standard input, such as loss=10%, down, up, partition, heal")
    .option("--pcap <file>", "write what crosses the link to a pcapng file")
    .option("--seed <number>", "where all randomness comes from", wholeNumber)
    .option("--duration <seconds>", "end after so long", wholeNumber)
    .option("--json", "print the statistics as JSON at the end and nothing else")
    .option("--quiet", "print nothing but errors")
    .addHelpText("after", PROXY_HELP)
    .action(async (flags: ProxyFlags) => {
      const { proxy } = await import("./commands/proxy.ts");
      outcome.exitCode = await proxy(flags);
    });
}

function addOthers(command: Command, outcome: Outcome): void {
  command
    .command("scenarios")
    .description("list the scenarios that come with Seville")
    .option("--json", "as JSON")
    .action(async (flags: { json?: boolean }) => {
      const { listScenarios } = await import("./commands/scenarios.ts");
      await listScenarios(flags.json === true);
    });
  command
    .command("validate")
    .description("check scenario files and show every mistake with its place")
    .argument("<files...>", "scenario files, or names of shipped scenarios")
    .option("--json", "as JSON")
    .action(async (files: string[], flags: { json?: boolean }) => {
      const { validateFiles } = await import("./commands/validate.ts");
      outcome.exitCode = await validateFiles(files, flags.json === true);
    });
  command
    .command("schema")
    .description("print the JSON Schema of scenario files, for editors")
    .action(async () => {
      const { printSchema } = await import("./commands/schema.ts");
      printSchema();
    });
  command
    .command("dissect")
    .description("print the packets of a capture (pcapng or pcap)")
    .argument("<file>", "a capture")
    .option("--packet <number>", "only this one, with every field", wholeNumber)
    .option("--limit <number>", "no more than so many", wholeNumber)
    .option("-v, --verbose", "every field, by its Wireshark name")
    .action(async (file: string, flags: DissectFlags) => {
      const { dissectFile } = await import("./commands/dissect.ts");
      outcome.exitCode = await dissectFile(file, flags);
    });
  command
    .command("verify-determinism")
    .description("run a scenario twice and compare every frame and every byte of the captures")
    .argument("[scenario]", "a shipped scenario or a file", "hello")
    .option("--seed <number>", "in place of the scenario's", wholeNumber)
    .option("--until <time>", "in place of the scenario's duration")
    .option("--set <path=value>", "change a value; may be given again", gather, [])
    .option("--pcap-in <file>", "the capture that the scenario's replay attachment plays")
    .option("--json", "as JSON")
    .action(async (scenario: string, flags: VerifyFlags) => {
      const { verifyDeterminism } = await import("./commands/verify-determinism.ts");
      outcome.exitCode = await verifyDeterminism(scenario, flags);
    });
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (/^[0-9]+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new InvalidArgumentError("It must be a whole number from 0 to 9007199254740991.");
}

function gather(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

const HELP = `
Examples:
  seville run                                     two hosts and a router; then look at seville-out/hello/report.html
  seville run bad-network --seed 7                the same faults with other dice
  seville run hello --set links.wan.loss=5%       change a value of the scenario
  seville run my-network.yaml --json | jq .pings  the result for programs
  seville dissect seville-out/hello/bob-eth0.pcapng --limit 20
  seville validate my-network.yaml                every mistake, with its line
  seville verify-determinism bad-network          the same bytes twice?

Exit codes:
  0 done   1 a bug   2 wrong command line   3 wrong or missing scenario   4 the machine lacks a privilege or device
  5 verify-determinism found a difference   130 interrupted
`;

const LISTEN_HELP = `
Examples:
  seville listen vxlan --pcap out.pcapng          an AWS VPC traffic mirror, as a capture
  seville listen geneve --vni 66 --count 10
`;

const RUN_HELP = `
Examples:
  seville run hello --until 3s --quiet --report hello.html --no-pcap
  seville run replay --pcap-in capture.pcapng --set links.wire.rate=1mbit
  sudo seville run real-traffic                   the kernel's own traffic through a simulated router, in real time
`;

const PROXY_HELP = `
Examples:
  seville proxy --listen 127.0.0.1:5432 --to 127.0.0.1:15432 --link "delay=20ms loss=1%"
  seville proxy --listen 8080 --to example.org:80 --link delay=100ms --down rate=1mbit
  echo partition | seville proxy --listen 8080 --to 127.0.0.1:80 --control

The words of a link: delay, jitter, rate, loss, duplicate, corrupt, reorder, mtu, queue (100p, 64kb, codel, fq_codel), framing.
The delay is that of one way: a round trip takes twice as long. Each connection of a client becomes one of the simulated
TCP (Linux's defaults), so that loss costs what it would cost there.`;
