import type { Program } from "../types.ts";

/** The program and its arguments. */
export function commandOf({ run }: Program): readonly string[] {
  return typeof run === "string" ? run.trim().split(/\s+/) : run;
}

/** How what it prints is to be read. */
export function outputOf(program: Program): "ping" | "iperf3" | "text" {
  if (program.output !== undefined) return program.output;
  const command = commandOf(program);
  const name = command[0]?.split("/").at(-1);
  if (name === "ping" || name === "ping6") return "ping";
  const isServer = command.includes("-s") || command.includes("--server");
  return name === "iperf3" && !isServer ? "iperf3" : "text";
}
