import { parseCallLine } from "./call-line.ts";
import { Cursor } from "./cursor.ts";
import { ScriptError } from "./errors.ts";
import { parsePacketLine } from "./packet-line.ts";
import { preprocess } from "./preprocess.ts";
import type { Action, EventTime, Script, ScriptCommand, ScriptEvent, ScriptOption } from "./script.ts";
import { parseTime } from "./time.ts";

const COMMAND = /`((?:\\[^]|[^`\\])*)`/y;
const CODE = /%\{([^]*?)\}%/y;
const OPTION = /--([A-Za-z0-9_-]+)(?:\s*=\s*((?:"[^"]*"|`[^`]*`|[^\s"`])+))?/y;

/**
 * Reads a script. `defined` are the names that `#ifdef` finds.
 * @throws ScriptError with the line that is not in the language
 */
export function parseScript(source: string, file: string, defined: ReadonlySet<string> = new Set()): Script {
  const cursor = new Cursor(preprocess(source, defined));
  const options = parseOptions(cursor);
  const before = parseCommands(cursor);
  const events: ScriptEvent[] = [];
  let after: ScriptCommand[] = [];
  while (!cursor.atEnd()) {
    if (cursor.sees(/`/y)) {
      after = parseCommands(cursor);
      if (!cursor.atEnd()) throw cursor.error("expected the end after a command without a time");
      break;
    }
    events.push(parseEvent(cursor));
  }
  if (events.length === 0) throw new ScriptError(1, "there is nothing to do in the script");
  return { file, options, before, events, after };
}

function parseOptions(cursor: Cursor): ScriptOption[] {
  const options: ScriptOption[] = [];
  for (;;) {
    const { line } = cursor;
    const found = cursor.match(OPTION);
    if (found === undefined) return options;
    options.push({ name: found[1] as string, value: unquote(found[2]), line });
  }
}

function parseCommands(cursor: Cursor): ScriptCommand[] {
  const commands: ScriptCommand[] = [];
  for (;;) {
    const { line } = cursor;
    const found = cursor.match(COMMAND);
    if (found === undefined) return commands;
    commands.push({ line, text: found[1] as string });
  }
}

function parseEvent(cursor: Cursor): ScriptEvent {
  const { line } = cursor;
  const begin = cursor.at;
  const time = parseTime(cursor);
  if (time === undefined) throw cursor.error("expected a time");
  const action = parseAction(cursor);
  checkTime(line, time, action);
  const text = cursor.text.slice(begin, cursor.at).replace(/\s+/g, " ").trim();
  return { line, time, action, text };
}

function parseAction(cursor: Cursor): Action {
  const command = cursor.match(COMMAND);
  if (command !== undefined) return { kind: "command", text: command[1] as string };
  const code = cursor.match(CODE);
  if (code !== undefined) return { kind: "code", text: code[1] as string };
  return parsePacketLine(cursor) ?? parseCallLine(cursor);
}

function checkTime(line: number, time: EventTime, action: Action): void {
  if (time.kind === "absolute" || time.kind === "relative" || action.kind === "unsupported") return;
  if (action.kind === "packet" && action.direction === "out") return;
  const what = time.kind === "any" ? "the time *" : "a range of times";
  throw new ScriptError(line, `${what} is for outbound packets only`);
}

function unquote(value: string | undefined): string | undefined {
  return value?.replace(/^"([^"]*)"$/, "$1");
}
