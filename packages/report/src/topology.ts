import type { LinkResult, LinkSettings, ScenarioResult, TopologyLink, TopologyNode } from "@seville/scenario";
import { formatCount, formatShare } from "./format.ts";
import { escapeHtml } from "./html.ts";
import { layOut, nodeOf, type Position } from "./topology-layout.ts";

/** The network as a picture: what each link is set to, and in red what it dropped. */
export function renderTopology(result: ScenarioResult): string {
  const { topology } = result;
  const longest = Math.max(0, ...topology.links.flatMap((link) => describe(link).map((line) => line.length)));
  const layout = layOut(topology, Math.max(230, 90 + longest * LETTER));
  const parts: string[] = [];
  for (const [link, bend] of bends(topology.links)) {
    const a = layout.nodes.get(nodeOf(link.ends[0]));
    const b = layout.nodes.get(nodeOf(link.ends[1]));
    if (a !== undefined && b !== undefined) parts.push(renderLink(link, a, b, bend, result));
  }
  for (const node of topology.nodes) {
    const at = layout.nodes.get(node.name);
    if (at !== undefined) parts.push(renderNode(node, at));
  }
  const nodes = topology.nodes.map(({ name, kind }) => `${kind} ${name}`).join(", ");
  const links = topology.links.map(({ name, ends }) => `${name} from ${ends[0]} to ${ends[1]}`).join("; ");
  return `<svg class="topology" viewBox="0 0 ${layout.width} ${layout.height}" style="max-width:${Math.round(layout.width * 1.15)}px" role="img" aria-labelledby="topology-title">
<title id="topology-title">${escapeHtml(`The network: ${nodes}. Links: ${links}.`)}</title>
${parts.join("\n")}
</svg>
`;
}

/** Parallel links bow apart. */
function bends(links: readonly TopologyLink[]): [TopologyLink, number][] {
  const groups = new Map<string, TopologyLink[]>();
  for (const link of links) {
    const key = [nodeOf(link.ends[0]), nodeOf(link.ends[1])].sort().join(" ");
    groups.set(key, [...(groups.get(key) ?? []), link]);
  }
  return [...groups.values()].flatMap((group) =>
    group.map((link, i): [TopologyLink, number] => [link, (i - (group.length - 1) / 2) * 90]),
  );
}

function renderLink(link: TopologyLink, a: Position, b: Position, bend: number, result: ScenarioResult): string {
  const directions = result.links.filter((each) => each.link === link.name);
  const offered = directions.reduce((sum, { offered: frames }) => sum + frames, 0);
  const lost = directions.reduce((sum, direction) => sum + dropped(direction), 0);
  const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 + bend };
  const control = { x: middle.x, y: middle.y + bend };
  const path = bend === 0 ? `M${a.x} ${a.y}L${b.x} ${b.y}` : `M${a.x} ${a.y}Q${control.x} ${control.y} ${b.x} ${b.y}`;
  // A label beside a line that rises stands to its right, so that the line does not cross it.
  const steep = Math.abs(b.y - a.y) > Math.abs(b.x - a.x) * 0.6 && a.y !== b.y;
  const lines = [`<tspan class="name">${escapeHtml(link.name)}</tspan>`, ...describe(link).map(escapeHtml)];
  const anchor = steep
    ? { x: middle.x + 14, y: middle.y, align: "start" }
    : { x: middle.x, y: middle.y - 12, align: "middle" };
  const label = text(anchor.x, anchor.y - (lines.length - 1) * 15, lines, anchor.align);
  const below = steep ? anchor.y + 17 : middle.y + 34;
  const drops =
    lost === 0
      ? ""
      : `<text class="lost" x="${anchor.x}" y="${below}" text-anchor="${anchor.align}">${formatCount(lost)} dropped (${formatShare(lost / Math.max(1, offered))})</text>`;
  return `<g class="link${lost > 0 ? " lossy" : ""}"><path d="${path}"/>${label}${drops}${portLabel(link.ends[0], a, control)}${portLabel(link.ends[1], b, control)}</g>`;
}

function dropped(direction: LinkResult): number {
  return Object.values(direction.drops).reduce((sum, count) => sum + count, 0);
}

/** The name of the interface, near its node. */
function portLabel(endpoint: string, at: Position, towards: Position): string {
  const colon = endpoint.indexOf(":");
  if (colon < 0) return "";
  const [dx, dy] = [towards.x - at.x, towards.y - at.y];
  const length = Math.sqrt(dx * dx + dy * dy);
  const distance = 34 / Math.max(1, length);
  const x = Math.round(at.x + dx * distance + (dx > 0 ? 4 : dx < 0 ? -4 : 8));
  const y = Math.round(at.y + dy * distance + 15);
  const anchor = dx >= 0 ? "start" : "end";
  return `<text class="port" x="${x}" y="${y}" text-anchor="${anchor}">${escapeHtml(endpoint.slice(colon + 1))}</text>`;
}

/** `10mbit · 20ms ± 1ms`, and what else it does to frames; two directions that differ are parted by a slash. */
function describe(link: TopologyLink): string[] {
  const [there, back] = link.parameters;
  const item = (of: (settings: LinkSettings) => string | undefined): string | undefined => {
    const [a, b] = [of(there), of(back)];
    return a === b ? a : `${a ?? "–"} / ${b ?? "–"}`;
  };
  const speed = [
    item(({ rate }) => rate),
    item(({ delay, jitter }) => (jitter === undefined ? delay : `${delay ?? "0ms"} ± ${jitter}`)),
  ];
  const harm = [
    item(({ loss }) => (loss === undefined ? undefined : `loss ${loss}`)),
    item(({ reorder }) => (reorder === undefined ? undefined : `reorder ${reorder}`)),
    item(({ duplicate }) => (duplicate === undefined ? undefined : `duplicate ${duplicate}`)),
    item(({ corrupt }) => (corrupt === undefined ? undefined : `corrupt ${corrupt}`)),
    there.queue === "fifo" && back.queue === "fifo" ? undefined : item(({ queue }) => queue),
  ];
  return [speed, harm]
    .map((items) => items.filter((each) => each !== undefined).join(" · "))
    .filter((line) => line !== "");
}

/** Width of a letter of a label, about. */
const LETTER = 6.4;

function renderNode(node: TopologyNode, { x, y }: Position): string {
  const addresses = node.interfaces.flatMap((each) => each.addresses.map((address) => `${each.name} ${address}`));
  const tip = [`${node.kind} ${node.name}`, ...(node.detail === undefined ? [] : [node.detail]), ...addresses].join(
    "\n",
  );
  const name = `<text class="node-name" x="${x}" y="${y + 44}" text-anchor="middle">${escapeHtml(node.name)}</text>`;
  const detail =
    node.detail === undefined
      ? ""
      : `<text class="port" x="${x}" y="${y + 59}" text-anchor="middle">${escapeHtml(node.detail)}</text>`;
  return `<g class="node ${node.kind}"><title>${escapeHtml(tip)}</title>${SHAPES[node.kind](x, y)}${name}${detail}</g>`;
}

const SHAPES: Readonly<Record<TopologyNode["kind"], (x: number, y: number) => string>> = {
  // A screen on a foot.
  host: (x, y) =>
    `<rect x="${x - 24}" y="${y - 20}" width="48" height="34" rx="5"/><path d="M${x - 11} ${y + 22}h22M${x} ${y + 14}v8"/>`,
  // A disc with arrows that cross.
  router: (x, y) =>
    `<circle cx="${x}" cy="${y}" r="25"/><path d="M${x - 14} ${y - 5}h22m-5 -5l5 5l-5 5M${x + 14} ${y + 6}h-22m5 -5l-5 5l5 5"/>`,
  // A socket in a dashed frame: what is behind it is not simulated.
  attachment: (x, y) =>
    `<rect class="outside" x="${x - 25}" y="${y - 22}" width="50" height="44" rx="12"/><path d="M${x - 6} ${y - 8}v7m12 -7v7M${x - 10} ${y - 1}h20v4a10 10 0 0 1 -20 0z"/>`,
};

function text(x: number, y: number, lines: readonly string[], anchor: string): string {
  const spans = lines.map((line, i) => `<tspan x="${x}" dy="${i === 0 ? 0 : 15}">${line}</tspan>`).join("");
  return `<text class="label" x="${x}" y="${y}" text-anchor="${anchor}">${spans}</text>`;
}
