import type { Nanos } from "../../../packages/core/src/index.ts";
import type { Expression } from "../language/expression.ts";
import type { CallLine } from "../language/script.ts";
import type { Profile } from "../profile/profile.ts";
import { ErrnoError, type SocketAddress, type SutSocket, type SystemUnderTest } from "../sut/system.ts";
import { ScriptError, UnsupportedError } from "../language/errors.ts";
import type { Epoll } from "./epoll.ts";
import { numberOf, type Vocabulary } from "./values.ts";

/** An open socket as a process has it: what the C library and the kernel's file layer add to it. */
export interface SocketFile {
  readonly kind: "socket";
  readonly fd: number;
  readonly socket: SutSocket;
  readonly domain: string;
  readonly type: string;
  nonBlocking: boolean;
  closeOnExec: boolean;
  /** `SO_RCVTIMEO`, `SO_SNDTIMEO` in ns; 0: none. */
  receiveTimeout: Nanos;
  sendTimeout: Nanos;
  /** Bytes of the pattern sent and received so far. */
  sent: number;
  received: number;
  /** The script gave a text to send: what goes out is not the pattern. */
  sentText: boolean;
}

export interface EpollFile {
  readonly kind: "epoll";
  readonly fd: number;
  readonly epoll: Epoll;
}

export type OpenFile = SocketFile | EpollFile;

/** What a conversation learns from system calls: see `run/conversation.ts`. */
export interface CallObserver {
  created(fd: number, socket: SutSocket, domain: string, type: string): void;
  listening(fd: number): void;
  connecting(fd: number): void;
  accepted(fd: number, socket: SutSocket): void;
}

/** The addresses that `...` stands for. */
export interface DefaultAddresses {
  readonly bind: SocketAddress;
  readonly connect: () => SocketAddress;
  readonly domain: string;
}

/** The process that makes a script's system calls. */
export class Process {
  readonly sut: SystemUnderTest;
  readonly profile: Profile;
  readonly addresses: DefaultAddresses;
  readonly observer: CallObserver;
  readonly defines: ReadonlyMap<string, Expression>;
  readonly files: Map<number, OpenFile> = new Map();
  /** What the peer sends is the pattern: no urgent data so far, which is read elsewhere. */
  peerSendsPattern = true;

  constructor(
    sut: SystemUnderTest,
    profile: Profile,
    addresses: DefaultAddresses,
    observer: CallObserver,
    defines: ReadonlyMap<string, Expression>,
  ) {
    this.sut = sut;
    this.profile = profile;
    this.addresses = addresses;
    this.observer = observer;
    this.defines = defines;
  }

  /** The number of a new file: what the script expects, or the lowest free one. */
  newFd(expected: number | undefined): number {
    if (expected !== undefined && expected >= 0) {
      if (this.files.has(expected)) throw new ErrnoError("EBADF", `descriptor ${expected} is in use`);
      return expected;
    }
    let fd = 3;
    while (this.files.has(fd)) fd++;
    return fd;
  }

  open(fd: number, socket: SutSocket, domain: string, type: string, nonBlocking: boolean): SocketFile {
    const file: SocketFile = {
      kind: "socket",
      fd,
      socket,
      domain,
      type,
      nonBlocking,
      closeOnExec: false,
      receiveTimeout: 0,
      sendTimeout: 0,
      sent: 0,
      received: 0,
      sentText: false,
    };
    this.files.set(fd, file);
    return file;
  }

  file(fd: number): OpenFile {
    const file = this.files.get(fd);
    if (file === undefined) throw new ErrnoError("EBADF", `no descriptor ${fd}`);
    return file;
  }

  socketFile(fd: number): SocketFile {
    const file = this.file(fd);
    if (file.kind !== "socket") throw new ErrnoError("ENOTSOCK");
    return file;
  }
}

/** One call with what its arguments mean. */
export class Call {
  readonly process: Process;
  readonly line: CallLine;
  readonly words: Vocabulary;

  constructor(process: Process, line: CallLine, lineNumber: number) {
    this.process = process;
    this.line = line;
    this.words = { line: lineNumber, constants: process.profile.constants, defines: process.defines };
  }

  get count(): number {
    return this.line.args.length;
  }

  arg(index: number): Expression {
    const argument = this.line.args[index];
    if (argument === undefined) throw this.error(`${this.line.name} needs argument ${index + 1}`);
    return argument;
  }

  number(index: number): number {
    return numberOf(this.arg(index), this.words);
  }

  /** The socket whose descriptor is the first argument. */
  get socket(): SocketFile {
    return this.process.socketFile(this.number(0));
  }

  /** The number that the script expects as the result, if it is one. */
  get expected(): number | undefined {
    const { result } = this.line;
    return result.kind === "ellipsis" ? undefined : numberOf(result, this.words);
  }

  error(message: string): ScriptError {
    return new ScriptError(this.words.line, message);
  }

  unsupported(feature: string): UnsupportedError {
    return new UnsupportedError(feature);
  }
}
