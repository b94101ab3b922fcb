export { compose } from "./compose.ts";
export type { HeaderLayer, IgmpMessage, Layer, LayerFields, LayerKind, MldMessage } from "./layers.ts";
