import { tryParseIp } from "@seville/packet";
import type { CheckReporter } from "../schema/part.ts";
import type { AttachmentTap, Scenario } from "../types.ts";
import { tryAddress } from "./network.ts";

/** Attachments to the outside: what they need of the rest of the file. */
export function checkAttachments(scenario: Scenario, report: CheckReporter): void {
  for (const [name, attachment] of Object.entries(scenario.attachments ?? {})) {
    const path = ["attachments", name];
    const isLive = attachment.replay === undefined;
    if (isLive && scenario.realtime !== true) {
      report.error(path, `attachment ${name} lives in real time, and this scenario does not`, "add realtime: true");
    }
    if (attachment.tap !== undefined) checkTap(attachment.tap, [...path, "tap"], report);
    const { stream } = attachment;
    if (stream !== undefined && (stream.listen === undefined) === (stream.connect === undefined)) {
      report.error([...path, "stream"], "needs either listen or connect");
    }
  }
}

function checkTap(tap: AttachmentTap, path: readonly string[], report: CheckReporter): void {
  for (const [i, text] of (tap.addresses ?? []).entries()) {
    if (tryAddress(text) === undefined)
      report.error([...path, "addresses", i], `${text} is not an address with its prefix length`);
  }
  for (const [i, route] of (tap.routes ?? []).entries()) {
    if (tryParseIp(route.via) === undefined)
      report.error([...path, "routes", i, "via"], `${route.via} is not an IP address`);
    if (route.to !== "default" && tryAddress(route.to) === undefined) {
      report.error([...path, "routes", i, "to"], `${route.to} is not a prefix`);
    }
  }
}
