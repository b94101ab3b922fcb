import { parseArgs } from "node:util";
import { boot } from "./boot.ts";
import { build } from "./build/build.ts";
import { selfTest } from "./selftest.ts";
import { ENGINES, PeerError, readSettings, type Engine } from "./settings.ts";

const HELP = `usage: linux-peer build [uml] [qemu]
       linux-peer boot [OPTION]... [--] [COMMAND [ARGUMENT]...]
       linux-peer selftest [uml] [qemu]

build     downloads and unpacks what guests need; at once if that was done. Default: both engines
boot      boots a guest, runs COMMAND in it as root, and ends with its status;
          124: timed out, 125: could not boot. Without COMMAND, a shell
selftest  tries every option and every kind of link

  --engine uml|qemu   User-mode Linux (default) or QEMU
  --kvm               with QEMU: the machine's processor instead of an emulated one
  --script FILE       run a copy of this file; COMMAND is then its arguments
  --link LINK         an Ethernet device, eth0, eth1, …; again for more
      udp:HERE:THERE      datagrams between these ports of 127.0.0.1: L2TPv3, session 1
      rawudp:HERE:THERE   the same, the frame alone
      stream:PORT|PATH    a connection to whoever listens there: 4 bytes of length, the frame (qemu)
      tap:NAME            a TAP device of this network namespace
      ,mtu=BYTES ,mac=ADDRESS may follow
  --id ID             0 to 255: makes the addresses of several guests differ (1)
  --share DIR         a directory of this machine, writable as /run/share
  --stdin             pass standard input to COMMAND, line by line
  --timeout SECONDS   power off by force (60)
  --memory MIB        (256)
  --dmesg FILE        write the kernel's log there
  --verbose           show the kernel's messages`;

async function main(args: readonly string[]): Promise<number> {
  const [verb, ...rest] = args;
  if (verb === "build") {
    for (const engine of engines(rest)) build(engine, readSettings());
    return 0;
  }
  if (verb === "boot") return bootCommand(rest);
  if (verb === "selftest") return selfTest(engines(rest));
  const isHelp = verb === "--help" || verb === "-h" || verb === "help";
  (isHelp ? process.stdout : process.stderr).write(`${HELP}\n`);
  return isHelp ? 0 : 125;
}

function engines(words: readonly string[]): readonly Engine[] {
  if (words.length === 0) return ENGINES;
  return words.map((word) => {
    if (word === "uml" || word === "qemu") return word;
    throw new PeerError(`there is no engine ${word}: uml or qemu`);
  });
}

async function bootCommand(args: readonly string[]): Promise<number> {
  // Options end at the first word that is none: what follows is the guest's.
  const { own, command } = splitCommand(args);
  const { values } = parseArgs({
    args: own,
    options: {
      engine: { type: "string", default: "uml" },
      kvm: { type: "boolean" },
      script: { type: "string" },
      link: { type: "string", multiple: true },
      id: { type: "string" },
      share: { type: "string" },
      stdin: { type: "boolean" },
      timeout: { type: "string" },
      memory: { type: "string" },
      dmesg: { type: "string" },
      verbose: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const [engine = "uml"] = engines([values.engine]);
  const { script, share, dmesg } = values;
  const guest = boot({
    engine,
    command,
    kvm: values.kvm === true,
    stdin: values.stdin === true,
    verbose: values.verbose === true,
    ...(script === undefined ? {} : { script }),
    ...(share === undefined ? {} : { share }),
    ...(dmesg === undefined ? {} : { dmesg }),
    ...(values.link === undefined ? {} : { links: values.link }),
    ...(values.id === undefined ? {} : { id: number("--id", values.id) }),
    ...(values.timeout === undefined ? {} : { timeoutSeconds: number("--timeout", values.timeout) }),
    ...(values.memory === undefined ? {} : { memoryMib: number("--memory", values.memory) }),
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => guest.kill());
  guest.stdout?.pipe(process.stdout);
  if (values.stdin === true && guest.stdin !== undefined) {
    await guest.ready;
    process.stdin.pipe(guest.stdin, { end: false });
    process.stdin.once("end", () => guest.stdin?.write("\u0004")); // the end of input, as one types it
  }
  const { status, complaint } = await guest.ended;
  if (complaint !== undefined) process.stderr.write(`linux-peer: ${complaint}\n`);
  process.stdin.destroy();
  return status;
}

const TAKES_VALUE = ["--engine", "--script", "--link", "--id", "--share", "--timeout", "--memory", "--dmesg"];

function splitCommand(args: readonly string[]): { own: string[]; command: string[] } {
  let at = 0;
  while (at < args.length && (args[at] as string).startsWith("-")) {
    if (args[at] === "--") return { own: args.slice(0, at), command: args.slice(at + 1) };
    at += TAKES_VALUE.includes(args[at] as string) ? 2 : 1;
  }
  return { own: args.slice(0, at), command: args.slice(at) };
}

function number(option: string, text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new PeerError(`${option} must be a number, not ${text}`);
  return Number(text);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isOurs = error instanceof PeerError || (error instanceof TypeError && "code" in error);
  process.stderr.write(`linux-peer: ${isOurs ? (error as Error).message : String((error as Error).stack)}\n`);
  process.exitCode = 125;
}
