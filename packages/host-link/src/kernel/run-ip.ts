import { SevilleError } from "@seville/core";
import { execFileSync, spawn } from "node:child_process";
import { errorCode, hostError } from "../port/errors.ts";

/** Nothing that `ip` is asked to do here takes long. */
const TIMEOUT_MS = 10_000;

/**
 * Runs iproute2's `ip`, with `input` as its standard input, and returns what it prints.
 * @throws SevilleError `ENOENT` without iproute2, `EPERM` without the privilege, `ERR_IP_COMMAND` with what `ip` says
 */
export async function runIp(args: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("ip", args, { stdio: ["pipe", "pipe", "pipe"], timeout: TIMEOUT_MS });
    let output = "";
    let complaint = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    child.stdin.on("error", () => undefined); // it may end before it has read all; its status says why
    child.once("error", (error) => reject(notStarted(error)));
    child.once("close", (status) => {
      if (status === 0) resolve(output);
      else reject(refused(args, complaint.trim() || `it ended with status ${status}`));
    });
    child.stdin.end(input);
  });
}

/** {@link runIp} for the last moments of the process, when nothing asynchronous runs any more. Answers whether it worked. */
export function runIpSync(args: readonly string[]): boolean {
  try {
    execFileSync("ip", args, { stdio: "ignore", timeout: TIMEOUT_MS });
    return true;
  } catch {
    return false;
  }
}

function notStarted(error: Error): SevilleError {
  const advice = "install iproute2";
  return hostError(errorCode(error) ?? "ERR_HOST", "run the program ip", undefined, advice);
}

function refused(args: readonly string[], complaint: string): SevilleError {
  if (/Operation not permitted|Permission denied/i.test(complaint))
    return hostError("EPERM", `run ip ${args.join(" ")}`);
  return new SevilleError("ERR_IP_COMMAND", `ip ${args.join(" ")}: ${complaint}`);
}
