import type { Nanos } from "../../../packages/core/src/index.ts";
import { beginCall } from "../calls/index.ts";
import { Process } from "../calls/process.ts";
import { CodeFailure, runCode, type CodeEnvironment } from "../expression/run-code.ts";
import { CodeError } from "../expression/tokens.ts";
import { parseCode } from "../expression/parse-code.ts";
import { ScriptError, UnsupportedError } from "../language/errors.ts";
import type { CallLine, PacketLine, Script, ScriptEvent } from "../language/script.ts";
import { URG } from "../language/tcp-flags.ts";
import { runCommand, type ShellWorld } from "../shell/run-command.ts";
import type { SystemUnderTest } from "../sut/system.ts";
import { Capture } from "./capture.ts";
import { WorldClock } from "./clock.ts";
import type { RunConfig } from "./config.ts";
import { ScriptFailure } from "./failure.ts";
import { inboundPacket } from "./inbound.ts";
import { expectOutbound } from "./outbound.ts";
import { checkResult, type PendingCall } from "./pending-call.ts";
import { dueAt, timingError, toleranceOf, type Due } from "./timing.ts";
import { Tracker } from "./tracker.ts";

/**
 * Runs a script against a system under test.
 * @throws ScriptFailure if a line does not go as it says, UnsupportedError, ScriptError
 */
export function runScript(
  script: Script,
  config: RunConfig,
  sut: SystemUnderTest,
  print: (text: string) => void,
): void {
  new Runner(config, sut, print).run(script);
}

class Runner {
  readonly #config: RunConfig;
  readonly #sut: SystemUnderTest;
  readonly #tracker: Tracker;
  readonly #capture: Capture;
  readonly #clock: WorldClock;
  readonly #process: Process;
  readonly #code: CodeEnvironment;
  readonly #shell: ShellWorld;
  #pending: PendingCall | undefined;
  /** When the line before was due. */
  #last: Nanos | undefined;

  constructor(config: RunConfig, sut: SystemUnderTest, print: (text: string) => void) {
    this.#config = config;
    this.#sut = sut;
    this.#tracker = new Tracker(config);
    this.#capture = new Capture(sut, config.tcpInUdp);
    this.#clock = new WorldClock(sut, () => this.#afterEvent());
    this.#clock.deadline = () => this.#pending?.attempt.deadline ?? Infinity;
    const bind = { address: config.localAddress, port: config.bindPort };
    const addresses = {
      bind: config.mapped ? { ...bind, address: `::ffff:${bind.address}` } : bind,
      connect: () => ({
        address: config.mapped ? `::ffff:${config.remoteAddress}` : config.remoteAddress,
        port: this.#tracker.connectPort(),
      }),
      domain: config.family === 6 || config.mapped ? "AF_INET6" : "AF_INET",
    };
    this.#process = new Process(sut, config.profile, addresses, this.#tracker, config.defines);
    this.#shell = { sut, profile: config.profile, addresses: config };
    this.#code = { variables: new Map(), lookup: (name) => this.#lookUp(name), print };
  }

  run(script: Script): void {
    for (const command of script.before) this.#command(command.line, command.text);
    for (const event of script.events) this.#event(event);
    this.#awaitPending();
    for (const command of script.after) this.#command(command.line, command.text);
    const left = this.#sut.close();
    if (left.length > 0) throw new ScriptFailure(script.events.at(-1)?.line ?? 1, left.join("; "));
  }

  #event(event: ScriptEvent): void {
    const { action } = event;
    if (action.kind === "unsupported") throw new UnsupportedError(action.feature);
    const base = this.#sut.now;
    const due = dueAt(event.time, base);
    const tolerance = toleranceOf(due, this.#last, {
      usecs: this.#config.toleranceUsecs,
      percent: this.#config.tolerancePercent,
    });
    if (action.kind === "packet" && action.direction === "out") {
      this.#outbound(event, action, due, tolerance);
    } else {
      if (action.kind === "call") this.#awaitPending();
      this.#waitUntil(event, due, tolerance);
      if (action.kind === "packet") this.#inbound(event, action);
      else if (action.kind === "call") this.#call(event, action, due, tolerance, base);
      else if (action.kind === "command") this.#command(event.line, action.text);
      else this.#runCode(event.line, action.text);
    }
    this.#last = due.until ?? this.#sut.now;
  }

  #waitUntil(event: ScriptEvent, due: Due, tolerance: Nanos): void {
    if (due.from !== undefined && due.from > this.#sut.now) this.#clock.advance(due.from);
    const late = timingError(due, this.#sut.now, tolerance, "the line");
    if (late !== undefined) throw new ScriptFailure(event.line, late);
  }

  #outbound(event: ScriptEvent, line: PacketLine, due: Due, tolerance: Nanos): void {
    const conversation = this.#tracker.current;
    if (conversation === undefined) throw new ScriptError(event.line, "there is no socket that could send a packet");
    const file = conversation.fd === undefined ? undefined : this.#process.files.get(conversation.fd);
    if (file?.kind === "socket" && file.sentText) conversation.sendsPattern = false;
    const { config, tracker, capture, clock } = {
      config: this.#config,
      tracker: this.#tracker,
      capture: this.#capture,
      clock: this.#clock,
    };
    expectOutbound(event, line, conversation, due, tolerance, {
      config,
      tracker,
      capture,
      clock,
      now: () => this.#sut.now,
    });
  }

  #inbound(event: ScriptEvent, line: PacketLine): void {
    const conversation = this.#tracker.inbound();
    if (conversation === undefined)
      throw new ScriptError(event.line, "there is no socket to which the packet could go");
    if (line.body.protocol === "tcp") {
      this.#tracker.noteInbound(conversation, line.body);
      if ((line.body.flags & URG) !== 0) this.#process.peerSendsPattern = false;
    }
    this.#sut.inject(inboundPacket(line, conversation, this.#config, event.line));
    this.#clock.settle();
    this.#afterEvent();
  }

  #call(event: ScriptEvent, line: CallLine, due: Due, tolerance: Nanos, base: Nanos): void {
    const attempt = beginCall(this.#process, line, event.line);
    const isRelative = event.time.kind === "relative";
    const end = line.end === undefined ? undefined : dueAt({ kind: "absolute", at: line.end }, 0);
    const shifted =
      end === undefined || !isRelative ? end : { from: shift(end.from, base), until: shift(end.until, base) };
    this.#pending = { event, line, attempt, end: shifted, tolerance };
    this.#stepPending();
    this.#clock.settle();
    this.#afterEvent();
    if (shifted !== undefined || !this.#isPending()) return;
    // A call that must not block may take as long as its line may be late.
    this.#clock.advance((due.until ?? this.#sut.now) + tolerance, () => !this.#isPending());
    if (this.#isPending()) throw new ScriptFailure(event.line, `${line.name} blocks`, event.text);
  }

  #isPending(): boolean {
    return this.#pending !== undefined;
  }

  /** Lets a blocking call end before the next one, or the end of the script. */
  #awaitPending(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    const limit = (pending.end?.until ?? this.#sut.now) + pending.tolerance;
    this.#clock.advance(Math.max(limit, this.#sut.now), () => !this.#isPending());
    if (this.#isPending())
      throw new ScriptFailure(pending.event.line, `${pending.line.name} has not returned`, pending.event.text);
  }

  #afterEvent(): void {
    for (const file of this.#process.files.values()) if (file.kind === "epoll") file.epoll.observe();
    this.#stepPending();
  }

  #stepPending(): void {
    const pending = this.#pending;
    const result = pending?.attempt.step(this.#sut.now);
    if (pending === undefined || result === undefined) return;
    this.#pending = undefined;
    const words = {
      line: pending.event.line,
      constants: this.#config.profile.constants,
      defines: this.#config.defines,
    };
    checkResult(pending, result, this.#sut.now, words);
  }

  #command(line: number, text: string): void {
    const complaint = runCommand(text, this.#shell);
    if (complaint !== undefined) throw new ScriptFailure(line, complaint);
    this.#clock.settle();
    this.#afterEvent();
  }

  #runCode(line: number, text: string): void {
    try {
      runCode(parseCode(text), this.#code);
    } catch (error) {
      if (error instanceof CodeFailure)
        throw new ScriptFailure(line + error.line, error.message, undefined, error.values || undefined);
      if (error instanceof CodeError) throw new UnsupportedError(`code: ${error.message}`);
      throw error;
    }
  }

  /** A name in code: a field of `tcp_info` of the socket of the conversation, or a constant. */
  #lookUp(name: string): number | undefined {
    if (name.startsWith("tcpi_")) {
      const info = this.#tracker.current?.socket?.tcpInfo();
      return info !== undefined && Object.hasOwn(info, name) ? info[name] : undefined;
    }
    const { constants } = this.#config.profile;
    return Object.hasOwn(constants, name) ? constants[name] : undefined;
  }
}

function shift(time: Nanos | undefined, by: Nanos): Nanos | undefined {
  return time === undefined ? undefined : time + by;
}
