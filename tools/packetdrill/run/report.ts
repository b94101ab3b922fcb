import type { ScriptReport, SuiteReport } from "./suite.ts";

/** A report for people: what failed, with the packets in packetdrill's notation, and the count. */
export function formatReport(report: SuiteReport, verbose: boolean): string {
  const lines = report.scripts
    .filter(({ result }) => verbose || result !== "passed")
    .flatMap((script) => formatScript(script, verbose));
  const { passed, failed, unsupported, total } = report;
  lines.push(`${passed} of ${total} passed, ${failed} failed, ${unsupported} unsupported`);
  return lines.join("\n");
}

function formatScript(script: ScriptReport, verbose: boolean): string[] {
  const { file, result, line, reason, expected, actual, printed } = script;
  const lines = verbose ? (printed ?? []).map((text) => `      ${text}`) : [];
  if (result === "passed") return [`ok    ${file}`, ...lines];
  if (result === "unsupported") return [`unsup ${file}: ${reason ?? ""}`, ...lines];
  lines.unshift(`FAIL  ${file}${line === undefined ? "" : `:${line}`}: ${reason ?? ""}`);
  if (expected !== undefined) lines.push(`      expected: ${expected}`);
  if (actual !== undefined) lines.push(`      actual:   ${actual}`);
  return lines;
}
