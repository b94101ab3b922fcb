import { invalidArgument, parseDuration, parseProbability, parseRate, parseSize, SevilleError } from "@seville/core";
import { FRAMINGS } from "./framing.ts";
import type { DirectionOptions } from "./link-options.ts";

/** How the value of each word is read. */
const WORDS: Readonly<Record<string, (value: string) => DirectionOptions>> = {
  delay: (value) => ({ delay: parseDuration(value, "delay") }),
  jitter: (value) => ({ jitter: parseDuration(value, "jitter") }),
  rate: (value) => ({ rate: parseRate(value, "rate") }),
  loss: (value) => ({ loss: parseProbability(value, "loss") }),
  duplicate: (value) => ({ duplicate: parseProbability(value, "duplicate") }),
  corrupt: (value) => ({ corrupt: parseProbability(value, "corrupt") }),
  reorder: (value) => ({ reorder: parseProbability(value, "reorder") }),
  mtu: (value) => ({ mtu: mtuOf(value) }),
  queue: (value) => ({ queue: queueOf(value) }),
  framing: (value) => ({ framing: framingOf(value) }),
};

/** The words of {@link parseLink}, for help texts. */
export const LINK_WORDS: readonly string[] = Object.keys(WORDS);

/**
 * A link as people write it on a command line or in a test: `delay=20ms loss=1% rate=10mbit`. The words are `delay`, `jitter`,
 * `rate`, `loss`, `duplicate`, `corrupt`, `reorder`, `mtu`, `queue` (`100p`, `64kb`, `codel`, `fq_codel`) and `framing`; later ones win.
 *
 * @throws SevilleError `ERR_INVALID_LINK`: a word that there is not; `ERR_INVALID_ARGUMENT`: a value that makes no sense
 */
export function parseLink(text: string): DirectionOptions {
  let options: DirectionOptions = {};
  for (const word of text.split(/[\s,]+/).filter((one) => one !== "")) {
    const equals = word.indexOf("=");
    const read = equals < 0 ? undefined : WORDS[word.slice(0, equals)];
    if (read === undefined) {
      throw new SevilleError(
        "ERR_INVALID_LINK",
        `${JSON.stringify(word)} says nothing about a link: write ${LINK_WORDS.map((one) => `${one}=…`).join(" ")}`,
        "link",
      );
    }
    options = { ...options, ...read(word.slice(equals + 1)) };
  }
  return options;
}

function mtuOf(value: string): number {
  const mtu = Number(value);
  if (Number.isInteger(mtu) && mtu >= 68 && mtu <= 65_535) return mtu;
  throw invalidArgument("mtu", "68 to 65535 bytes", value);
}

function queueOf(value: string): NonNullable<DirectionOptions["queue"]> {
  if (value === "codel" || value === "fq_codel") return { kind: value };
  const packets = /^([1-9][0-9]*)p$/.exec(value);
  if (packets !== null) return { kind: "fifo", limitPackets: Number(packets[1]) };
  return { kind: "fifo", limitBytes: parseSize(value, "queue") };
}

function framingOf(value: string): NonNullable<DirectionOptions["framing"]> {
  const framing = FRAMINGS.find((one) => one === value);
  if (framing !== undefined) return framing;
  throw invalidArgument("framing", FRAMINGS.join(" or "), value);
}
