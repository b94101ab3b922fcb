export { compose } from "./compose.ts";
export type { HeaderLayer, Layer, LayerFields, LayerKind } from "./layers.ts";
