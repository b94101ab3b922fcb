/** What makes the stack, and the numbers that scripts use, those of an operating system. All of it is public configuration. */
export interface Profile {
  readonly name: "linux" | "freebsd";
  /** Names that `#ifdef` finds. */
  readonly defines: readonly string[];
  /** Microseconds that an event may be early or late, and percent of the time since the line before. */
  readonly toleranceUsecs: number;
  readonly tolerancePercent: number;
  /** The device takes super-packets. */
  readonly segmentationOffload: boolean;
  readonly localAddress: { readonly 4: string; readonly 6: string };
  /** Value of a symbolic constant. */
  readonly constants: Readonly<Record<string, number>>;
  /** Settings that every script begins with. */
  readonly settings: Readonly<Record<string, string>>;
  /** The Linux setting (or knob) that stands for a sysctl of this system, and its value; `undefined`: unknown. */
  readonly translateSysctl: (name: string, value: string) => readonly SettingChange[] | undefined;
}

export interface SettingChange {
  readonly name: string;
  readonly value: string;
}
