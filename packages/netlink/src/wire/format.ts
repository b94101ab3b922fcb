import { fail, readAttributes, writeAttributes, type AttributeTable, type Reading } from "./attribute.ts";
import type { NetlinkMessage } from "./message.ts";
import type { Struct } from "./struct.ts";
import type { NetlinkWriter } from "./writer.ts";

/** How the payload of a message is made: a fixed header, then attributes. */
export interface MessageFormat<Header extends object, Attributes extends object> {
  readonly header: Struct<Header>;
  readonly attributes: AttributeTable<Attributes>;
}

/** A message's payload, decoded. */
export interface Decoded<Header, Attributes> {
  readonly header: Header;
  readonly attributes: Partial<Attributes>;
}

/**
 * Decodes the payload of `message`. What is wrong with it is noted in `reading.problem`: then the result is what was read until there.
 */
export function decode<Header extends object, Attributes extends object>(
  { header, attributes }: MessageFormat<Header, Attributes>,
  message: NetlinkMessage,
  reading: Reading = { strict: false, problem: undefined },
): Decoded<Header, Attributes> {
  const { view, at, end } = message;
  if (end - at < header.size) {
    fail(reading, "Invalid header: message is too short", at);
    return { header: header.read(view, at, end - at), attributes: {} };
  }
  const from = at + ((header.size + 3) & ~3);
  return { header: header.read(view, at), attributes: readAttributes(attributes, view, from, end, reading) };
}

/** Writes a payload; header fields that are not given are 0. */
export function encode<Header extends object, Attributes extends object>(
  out: NetlinkWriter,
  { header, attributes }: MessageFormat<Header, Attributes>,
  values: { readonly header?: Partial<Header>; readonly attributes?: Partial<Attributes> },
): void {
  header.write(out, values.header ?? {});
  out.align();
  writeAttributes(out, attributes, values.attributes ?? {});
}
