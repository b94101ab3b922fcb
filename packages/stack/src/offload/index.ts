/**
 * Offloads of a host: NICs that behave as their hardware does, feature switches, and software segmentation.
 *
 * @packageDocumentation
 */
export { createOffloadNic, setFeature, type FeatureChange, type OffloadNicOptions } from "./nic.ts";
export { installSegmenter } from "./segmenter.ts";
export { enableResequencing, type Resequencing } from "./resequence.ts";
