import { UnsupportedError } from "../language/errors.ts";
import type { Output } from "./filters.ts";
import type { ShellWorld } from "./run-command.ts";

const SUCCESS: Output = { text: "", status: 0 };
/** Queueing disciplines without an effect on an idle device, and `fq`, whose pacing the engine does itself. */
const QDISCS = new Set(["pfifo", "pfifo_fast", "bfifo", "fq", "noqueue", "fq_codel", "pfifo_head_drop", "mq"]);

/** `tc qdisc add|replace|change|del dev tun0 root KIND …` */
export function tc(args: readonly string[], world: ShellWorld): Output {
  if (args[0] !== "qdisc") throw new UnsupportedError(`tc ${args[0] ?? ""}`.trim());
  if (args[1] === "del" || args[1] === "show") return SUCCESS;
  const kind = args[args.indexOf("root") + 1] ?? "";
  if (!QDISCS.has(kind)) throw new UnsupportedError(`tc qdisc ${kind}`);
  // The kernel's TCP paces by itself where no fq does; whether it paces at all is the engine's knob of that name.
  world.sut.configure("pacing", kind === "fq" ? "fq" : "none");
  return SUCCESS;
}

/** `ethtool -K tun0 tso on gso off …` */
export function ethtool(args: readonly string[], world: ShellWorld): Output {
  if (args[0] !== "-K" && args[0] !== "--offload" && args[0] !== "--features")
    throw new UnsupportedError(`ethtool ${args[0] ?? ""}`.trim());
  for (let i = 2; i + 1 < args.length; i += 2) {
    const [feature = "", state = ""] = [args[i], args[i + 1]];
    if (feature === "tso" || feature === "gso" || feature === "tcp-segmentation-offload") {
      world.sut.setSegmentationOffload(state === "on");
    }
  }
  return SUCCESS;
}

/** `ip route|link|tcp_metrics|neigh …`, as far as they concern the one device. */
export function ip(args: readonly string[], world: ShellWorld): Output {
  const words = args.filter((arg) => !/^-(?:4|6|f|force|family)$/.test(arg));
  const [object = "", verb = "", ...rest] = words;
  switch (object) {
    case "tcp_metrics":
    case "tcpmetrics":
      world.sut.flushMetrics();
      return SUCCESS;
    case "route":
    case "ro":
    case "r":
      return route(verb, rest, world);
    case "link":
    case "l":
      return link(verb, rest, world);
    case "neigh":
      return SUCCESS;
    default:
      throw new UnsupportedError(`ip ${object}`);
  }
}

/** Attributes of a route that are one word each with a value (`ip route`'s METRICS). */
const METRICS = new Set([
  "mtu",
  "advmss",
  "initcwnd",
  "initrwnd",
  "rto_min",
  "quickack",
  "congctl",
  "window",
  "ssthresh",
  "reordering",
  "features",
  "fastopen_no_cookie",
]);

function route(verb: string, words: readonly string[], world: ShellWorld): Output {
  if (verb === "flush" || verb === "show" || verb === "get") return SUCCESS;
  if (!["add", "change", "replace", "append", "del"].includes(verb)) throw new UnsupportedError(`ip route ${verb}`);
  const attributes = new Map<string, string>();
  if (verb !== "del") {
    for (let i = 0; i < words.length; i++) {
      const name = words[i] as string;
      if (!METRICS.has(name)) continue;
      const locked = words[i + 1] === "lock";
      i += locked ? 2 : 1;
      attributes.set(name, `${locked ? "lock " : ""}${words[i] ?? ""}`);
    }
  }
  if (!world.sut.setRoute(attributes)) throw new UnsupportedError(`ip route … ${[...attributes.keys()].join(" ")}`);
  return SUCCESS;
}

function link(verb: string, words: readonly string[], world: ShellWorld): Output {
  if (verb !== "set") throw new UnsupportedError(`ip link ${verb}`);
  const mtu = words.indexOf("mtu");
  if (mtu >= 0) world.sut.setMtu(Number(words[mtu + 1]));
  else if (!words.includes("up")) throw new UnsupportedError(`ip link set ${words.join(" ")}`);
  return SUCCESS;
}
