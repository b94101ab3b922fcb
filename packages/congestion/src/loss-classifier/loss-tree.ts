import type { LossTree } from "./evidence.ts";

export const LOSS_TREE: LossTree = { overflow: 0.25, policer: 0.25, random: 0.25, mixed: 0.25 };
