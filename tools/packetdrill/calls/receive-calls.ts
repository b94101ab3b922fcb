import { formatExpression, type Expression, type StructField } from "../language/expression.ts";
import { ErrnoError } from "../sut/system.ts";
import type { Attempt, CallResult } from "./attempt.ts";
import { bufferArgument, iovecArgument, totalLength } from "./iovec.ts";
import { firstDifference } from "./pattern.ts";
import type { Call, SocketFile } from "./process.ts";
import { fieldsOf, flagsOf, isEllipsis, itemsOf, numberOf, textOf } from "./values.ts";
import { waiting } from "./wait.ts";

const OWN_FLAGS = new Set(["MSG_DONTWAIT", "MSG_NOSIGNAL", "MSG_WAITALL"]);
const UNSUPPORTED_FLAGS = ["MSG_ERRQUEUE"];

/** `read(2)`. */
export function readCall(call: Call): Attempt {
  const { length } = bufferArgument(call, call.arg(1), call.arg(2));
  return receive(call, length, new Set(), textOf(call.arg(1), call.words));
}

export function readvCall(call: Call): Attempt {
  return receive(call, totalLength(iovecArgument(call, call.arg(1))), new Set(), undefined);
}

/** `recv(2)` and `recvfrom(2)`. */
export function recvCall(call: Call): Attempt {
  const { length } = bufferArgument(call, call.arg(1), call.arg(2));
  return receive(call, length, receiveFlags(call, 3), textOf(call.arg(1), call.words));
}

export function recvmsgCall(call: Call): Attempt {
  const message = fieldsOf(call.arg(1), call.words);
  if (message === undefined) throw call.error("recvmsg needs a msghdr");
  const iov = message.get("msg_iov")?.value;
  const length = iov === undefined ? 0 : totalLength(iovecArgument(call, iov));
  const inner = receive(call, length, receiveFlags(call, 2), undefined);
  const file = call.socket;
  return {
    ...inner,
    step(now) {
      const result = inner.step(now);
      if (result === undefined || result.value < 0 || result.mismatch !== undefined) return result;
      const mismatch = controlMismatch(call, message.get("msg_control"), file);
      return mismatch === undefined ? result : { ...result, mismatch };
    },
  };
}

function receiveFlags(call: Call, index: number): ReadonlySet<string> {
  const flags = flagsOf(call.arg(index), call.words, "MSG_");
  const foreign = UNSUPPORTED_FLAGS.find((flag) => flags.has(flag));
  if (foreign !== undefined) throw call.unsupported(foreign);
  return flags;
}

/** `text`: what the script expects to read, if it says. */
function receive(call: Call, length: number, flags: ReadonlySet<string>, text: string | undefined): Attempt {
  const file = call.socket;
  const blocks = !file.nonBlocking && !flags.has("MSG_DONTWAIT");
  const passed = new Set([...flags].filter((flag) => !OWN_FLAGS.has(flag)));
  const all = flags.has("MSG_WAITALL") && blocks && !flags.has("MSG_PEEK");
  let got = 0;
  let mismatch: string | undefined;
  const attempt = (): CallResult | undefined => {
    for (;;) {
      let bytes: Uint8Array;
      try {
        bytes = file.socket.receive(length - got, passed);
      } catch (error) {
        // What was read before counts; the error is for the next call.
        if (got === 0 || !(error instanceof ErrnoError)) throw error;
        if (error.code === "EAGAIN") return undefined;
        break;
      }
      mismatch ??= contentMismatch(call, file, bytes, text, passed);
      got += bytes.length;
      if (!flags.has("MSG_PEEK") && !flags.has("MSG_OOB")) file.received += bytes.length;
      if (!all || bytes.length === 0 || got === length) break;
    }
    return mismatch === undefined ? { value: got } : { value: got, mismatch };
  };
  const expired = (): CallResult => (got > 0 ? { value: got } : { value: -1, errno: "EAGAIN" });
  return waiting(attempt, blocks, call.process.sut.now, file.receiveTimeout, expired);
}

function contentMismatch(
  call: Call,
  file: SocketFile,
  bytes: Uint8Array,
  text: string | undefined,
  flags: ReadonlySet<string>,
): string | undefined {
  if (file.type === "SOCK_DGRAM") return undefined;
  if (text !== undefined) {
    const expected = new TextEncoder().encode(text);
    if (expected.every((byte, i) => i >= bytes.length || byte === bytes[i])) return undefined;
    return `read ${JSON.stringify(new TextDecoder().decode(bytes))} instead of ${JSON.stringify(text)}`;
  }
  // The packets of a script carry the pattern, so what is read must be it, unless urgent bytes were taken out of it.
  if (!call.process.peerSendsPattern || (flags.size > 0 && !(flags.size === 1 && flags.has("MSG_PEEK"))))
    return undefined;
  const wrong = firstDifference(bytes, file.received);
  return wrong < 0 ? undefined : `byte ${file.received + wrong} of the stream is not the one that was sent`;
}

/** Of control messages only TCP_CM_INQ is known: the bytes that are left to read. */
function controlMismatch(call: Call, control: StructField | undefined, file: SocketFile): string | undefined {
  if (control === undefined || isEllipsis(control.value)) return undefined;
  for (const item of itemsOf(control.value, call.words)) {
    const fields = fieldsOf(item, call.words);
    const type = fields?.get("cmsg_type")?.value;
    if (!isWord(type, "TCP_CM_INQ") && !isWord(type, "TCP_INQ")) {
      throw call.unsupported(`control message ${type === undefined ? formatExpression(item) : formatExpression(type)}`);
    }
    const data = fields?.get("cmsg_data")?.value;
    const actual = file.socket.ioctl("SIOCINQ");
    if (data !== undefined && !isEllipsis(data) && numberOf(data, call.words) !== actual) {
      return `TCP_CM_INQ of ${actual} instead of ${numberOf(data, call.words)}`;
    }
  }
  return undefined;
}

function isWord(expression: Expression | undefined, name: string): boolean {
  return expression?.kind === "word" && expression.name === name;
}
