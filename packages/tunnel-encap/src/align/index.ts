export * from "./alignment.ts";
export { newRealignCosts, realign, type RealignCost, type RealignCosts, type RealignPolicy } from "./realign.ts";
