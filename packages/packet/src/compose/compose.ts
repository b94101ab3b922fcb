import type { PartialSum } from "@seville/checksum";
import { SevilleError } from "@seville/core";
import type { HeaderLayer, Layer, LayerFields, LayerKind } from "./layers.ts";
import { pseudoHeaderOf, WRITERS, type LayerWriter, type Place } from "./writers.ts";

/**
 * A packet from its layers, outermost first, for tests and generators: every type number, length and checksum that is
 * not given is found out.
 *
 * ```ts
 * compose([
 *   { ethernet: { source: 0x02_00_00_00_00_01, destination: 0x02_00_00_00_00_02 } },
 *   { ipv4: { source: parseIpv4("10.0.0.1"), destination: parseIpv4("10.0.0.2") } },
 *   { udp: { sourcePort: 4000, destinationPort: 53 } },
 *   "payload",
 * ]);
 * ```
 *
 * A frame is not padded. The checksum above a fragment is that of the bytes that are there.
 */
export function compose(layers: readonly Layer[]): Uint8Array<ArrayBuffer> {
  const parts = layers.map(partOf);
  const u8 = new Uint8Array(parts.reduce((bytes, part) => bytes + part.size, 0));
  const view = new DataView(u8.buffer);
  let at = 0;
  let pseudoHeader: Place["pseudoHeader"] = noPseudoHeader;
  const places: Place[] = [];
  for (const [i, part] of parts.entries()) {
    const place: Place = { view, u8, at, end: u8.length, next: parts[i + 1]?.kind, pseudoHeader };
    places.push(place);
    part.write(place);
    pseudoHeader = part.pseudoHeader?.(parts.slice(i + 1)) ?? pseudoHeader;
    at += part.size;
  }
  // From the inside out: a checksum covers those behind it.
  for (let i = parts.length - 1; i >= 0; i--) (parts[i] as Part).finish(places[i] as Place);
  return u8;
}

interface Part {
  readonly kind: LayerKind | undefined;
  readonly size: number;
  write(place: Place): void;
  finish(place: Place): void;
  /** Of an IP header: the pseudo-header for what follows it. */
  pseudoHeader?(following: readonly Part[]): Place["pseudoHeader"];
  /** Of a routing header. */
  readonly finalDestination?: LayerFields["routing"]["finalDestination"];
}

function partOf(layer: Layer): Part {
  if (typeof layer === "string") return bytesPart(new TextEncoder().encode(layer));
  if (layer instanceof Uint8Array) return bytesPart(layer);
  return headerPart(layer);
}

function bytesPart(bytes: Uint8Array): Part {
  return {
    kind: undefined,
    size: bytes.length,
    write: ({ u8, at }) => {
      u8.set(bytes, at);
    },
    finish: () => undefined,
  };
}

function headerPart(layer: HeaderLayer): Part {
  const [kind, fields] = (Object.entries(layer) as [LayerKind, never][])[0] ?? [];
  if (kind === undefined || !(kind in WRITERS)) {
    throw new SevilleError("ERR_INVALID_ARGUMENT", `there is no layer ${String(kind)}`, "layers");
  }
  // Kind and fields come from one object whose type ties them together.
  const writer = WRITERS[kind] as LayerWriter<unknown>;
  const part: Part = {
    kind,
    size: writer.size(fields),
    write: (place) => {
      writer.write(place, fields);
    },
    finish: (place) => {
      writer.finish?.(place, fields);
    },
  };
  if ("routing" in layer) return { ...part, finalDestination: layer.routing.finalDestination };
  if ("ipv4" in layer) return { ...part, pseudoHeader: () => pseudoHeaderOf(layer.ipv4, undefined) };
  if (!("ipv6" in layer)) return part;
  const routed = (following: readonly Part[]): Part | undefined =>
    following.find((p) => p.finalDestination !== undefined);
  return { ...part, pseudoHeader: (following) => pseudoHeaderOf(layer.ipv6, routed(following)?.finalDestination) };
}

function noPseudoHeader(): PartialSum {
  throw new SevilleError(
    "ERR_INVALID_ARGUMENT",
    "a checksum over a pseudo-header needs an IP layer before it",
    "layers",
  );
}
