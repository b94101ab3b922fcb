export interface PartRuntime {
  readonly x?: number;
}
