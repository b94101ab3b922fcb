/**
 * What is wrong with bytes that claim to be a header. A closed set, so that a stack can map each to its counter and
 * drop reason:
 *
 * - `truncated`: the header, or the length that it states, goes past the end of what is there;
 * - `bad-version`: the version field names another protocol;
 * - `bad-length`: a length field contradicts the format or another length field;
 * - `bad-option`: an option is malformed, or stands where it must not;
 * - `bad-order`: a header stands where the protocol forbids it;
 * - `bad-value`: another field has a value that the protocol forbids;
 * - `too-many`: more parts than the limit of the parser allows.
 */
export type HeaderFault =
  "truncated" | "bad-version" | "bad-length" | "bad-option" | "bad-order" | "bad-value" | "too-many";
