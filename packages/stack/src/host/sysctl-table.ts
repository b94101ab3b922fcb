import { invalidArgument, SevilleError } from "@seville/core";
import type { Ipv4Conf, Ipv4RouteSysctls, Ipv4Sysctls, NeighConf } from "./sysctl-ipv4.ts";
import type { Icmpv6Sysctls, Ipv6Conf, Ipv6RouteSysctls, Ipv6Sysctls } from "./sysctl-ipv6.ts";

/** The settings that a host has, by their kernel names. `all`, `default` or an interface's name stands for `string`. */
export type SysctlName =
  | `net.ipv4.${keyof Ipv4Sysctls}`
  | `net.ipv4.tcp_${string}`
  | `net.ipv4.route.${keyof Ipv4RouteSysctls}`
  | `net.ipv4.conf.${string}.${keyof Ipv4Conf}`
  | `net.ipv4.neigh.${string}.${keyof NeighConf}`
  | `net.ipv6.${keyof Ipv6Sysctls}`
  | `net.ipv6.icmp.${keyof Icmpv6Sysctls}`
  | `net.ipv6.route.${keyof Ipv6RouteSysctls}`
  | `net.ipv6.conf.${string}.${keyof Ipv6Conf}`
  | `net.ipv6.neigh.${string}.${keyof NeighConf}`
  | `net.core.${"rmem_default" | "rmem_max" | "wmem_default" | "wmem_max" | "somaxconn"}`;

/** A number, a list of them (`ip_local_port_range`), or a word (`tcp_congestion_control`). */
export type SysctlValue = number | readonly number[] | string;

/** Smallest and largest value that the kernel takes (`proc_dointvec_minmax`); for lists, of each item. */
export type SysctlRanges = Readonly<Record<string, readonly [min: number, max: number]>>;

/** What a group of settings may say of itself beside its ranges. */
export interface SysctlHooks<Field extends string> {
  /** Called before a change, and throws what the kernel answers to a value that it does not take. */
  readonly check?: (field: Field, value: SysctlValue) => void;
  /** Called after a change. */
  readonly written?: (field: Field, value: SysctlValue) => void;
  /** The fields that are settings. Default: all. */
  readonly fields?: readonly Field[];
}

interface Group {
  readonly values: Record<string, SysctlValue>;
  readonly fields: ReadonlySet<string>;
  readonly check: ((field: string, value: SysctlValue) => void) | undefined;
  readonly ranges: SysctlRanges;
  readonly written: ((field: string, value: SysctlValue) => void) | undefined;
}

const INT: readonly [number, number] = [-0x8000_0000, 0x7fff_ffff];

/**
 * All settings of a host by name. The values themselves live in plain objects, which the packet path reads directly;
 * protocols add groups of their own.
 */
export class SysctlTable {
  readonly #groups = new Map<string, Group[]>();
  readonly #changed: (name: string) => void;

  constructor(changed: (name: string) => void) {
    this.#changed = changed;
  }

  /** Adds the fields of `values` under `prefix` (`net.ipv4`), beside those that are there. `written` is called after a change. */
  define<T extends object>(
    prefix: string,
    values: T,
    ranges: SysctlRanges = {},
    written?: (field: keyof T & string, value: SysctlValue) => void,
    hooks: SysctlHooks<keyof T & string> = {},
  ): void {
    const group: Group = {
      values: values as Record<string, SysctlValue>,
      fields: new Set(hooks.fields ?? Object.keys(values)),
      ranges,
      check: hooks.check as Group["check"],
      written: (hooks.written ?? written) as Group["written"],
    };
    const groups = this.#groups.get(prefix);
    if (groups === undefined) this.#groups.set(prefix, [group]);
    else groups.push(group);
  }

  /** Takes the groups away, as when an interface goes. */
  undefine(prefix: string): void {
    this.#groups.delete(prefix);
  }

  /** All names, sorted as `sysctl -a` sorts them. */
  names(): string[] {
    return [...this.#groups]
      .flatMap(([prefix, groups]) => groups.flatMap(({ fields }) => [...fields].map((field) => `${prefix}.${field}`)))
      .sort();
  }

  /** @throws SevilleError `ENOENT` */
  get(name: SysctlName): SysctlValue {
    const { group, field } = this.#find(name);
    return group.values[field] as SysctlValue;
  }

  /** As sysctl(8) prints it: the items of a list are separated by tabs. */
  text(name: string): string {
    const { group, field } = this.#find(name);
    const value = group.values[field] as SysctlValue;
    return typeof value === "object" ? value.join("\t") : String(value);
  }

  /** @throws SevilleError `ENOENT` for a name that is not there, `EINVAL` for a value that the kernel does not take */
  set(name: SysctlName, value: SysctlValue): void {
    this.#write(name, value);
  }

  /** {@link SysctlTable.set} with text, as of `sysctl -w` or a scenario file. */
  setText(name: string, text: string): void {
    const { group, field } = this.#find(name);
    if (typeof group.values[field] === "string") {
      this.#write(name, text.trim());
      return;
    }
    const words = text.trim() === "" ? [] : text.trim().split(/[\s,]+/);
    const numbers = words.map(Number);
    if (numbers.some((n) => !Number.isInteger(n)))
      throw new SevilleError("EINVAL", `${name}: invalid value ${JSON.stringify(text)}`, name);
    const list = typeof group.values[field] !== "number";
    if (!list && numbers.length !== 1) throw new SevilleError("EINVAL", `${name} takes one number`, name);
    this.#write(name, list ? numbers : (numbers[0] as number));
  }

  #write(name: string, value: SysctlValue): void {
    const { group, field } = this.#find(name);
    const before = group.values[field] as SysctlValue;
    if (typeof before !== typeof value)
      throw invalidArgument(name, typeof before === "object" ? "a list of numbers" : `a ${typeof before}`, value);
    group.check?.(field, value);
    const [min, max] = group.ranges[field] ?? INT;
    for (const item of typeof value === "number" ? [value] : typeof value === "string" ? [] : value) {
      if (!Number.isInteger(item) || item < min || item > max) {
        throw new SevilleError("EINVAL", `${name} takes whole numbers from ${min} to ${max}; received ${item}`, name);
      }
    }
    group.values[field] = value;
    group.written?.(field, value);
    this.#changed(name);
  }

  #find(name: string): { readonly group: Group; readonly field: string } {
    const dot = name.lastIndexOf(".");
    const field = name.slice(dot + 1);
    const group = this.#groups.get(name.slice(0, dot))?.find(({ fields }) => fields.has(field));
    if (group !== undefined) return { group, field };
    throw new SevilleError("ENOENT", `there is no sysctl ${name}`, name);
  }
}
