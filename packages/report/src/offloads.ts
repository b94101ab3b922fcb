import type { EmbeddedSwitchResult, OffloadResult, ScenarioResult, VerifiedBy, ChecksumPlace } from "@seville/scenario";
import { formatBytes, formatCount } from "./format.ts";
import { escapeHtml, renderTable, type Column } from "./html.ts";

/** What checksums and segmentation cost whom: a picture of all packets, and a table of every one. */
export function renderOffloads({ offloads = [], embeddedSwitches = [] }: ScenarioResult): string {
  const switches = embeddedSwitches.map(renderSwitch).join("\n");
  if (offloads.length === 0) return switches === "" ? "" : `<section>${switches}</section>`;
  const right = offloads.filter((o) => o.right).length;
  const all = right === offloads.length;
  return `<section class="offloads"><h2>Offloads: who computes and who verifies</h2>
<p>${formatCount(offloads.length)} packets, <b class="${all ? "ok" : "bad"}">${formatCount(right)} right on the wire</b> by a reader that shares no code with the stack. Boxes are checksums from the outside inwards, upper row sent, lower row received; beside them what the CPU read and copied for it.</p>
${legend(offloads)}
${matrix(offloads)}
<details><summary>Every packet, in numbers</summary>
${renderTable("Sent", SENT, offloads)}${renderTable(
    "Received",
    RECEIVED,
    offloads.filter((o) => o.receipt !== undefined),
  )}</details>
${switches}</section>`;
}

interface Mark {
  readonly letter: string;
  readonly class: string;
  readonly means: string;
}

const PLACES: Readonly<Record<ChecksumPlace, Mark>> = {
  device: { letter: "d", class: "dev", means: "computed by the device" },
  lco: { letter: "l", class: "lco", means: "local checksum offload: from the headers alone" },
  software: { letter: "s", class: "sw", means: "computed in software, over everything" },
  absent: { letter: "–", class: "none", means: "there is none" },
};

const VERIFIERS: Readonly<Record<VerifiedBy, Mark>> = {
  device: { letter: "d", class: "dev", means: "verified by the device" },
  complete: { letter: "c", class: "lco", means: "verified from the device's sum (CHECKSUM_COMPLETE)" },
  known: { letter: "k", class: "lco", means: "known from a verified checksum around it" },
  software: { letter: "s", class: "sw", means: "verified in software, over everything" },
  absent: { letter: "–", class: "none", means: "there is none" },
  nobody: { letter: "·", class: "none", means: "it never got so far" },
  bad: { letter: "✕", class: "wrong", means: "found wrong, and dropped" },
};

/** What the letters mean, of sent and received checksums alike; those that do not occur are left out. */
const LEGEND: readonly (readonly [Mark, string])[] = [
  [PLACES.device, "by the device"],
  [PLACES.lco, "local checksum offload: from the headers alone"],
  [VERIFIERS.complete, "from the device's sum (CHECKSUM_COMPLETE)"],
  [VERIFIERS.known, "known from a verified checksum around it"],
  [PLACES.software, "in software, over everything"],
  [PLACES.absent, "there is none"],
  [VERIFIERS.bad, "found wrong, and dropped"],
  [VERIFIERS.nobody, "it never got so far"],
];

function legend(offloads: readonly OffloadResult[]): string {
  const used = new Set<string>();
  for (const { checksums, receipt } of offloads) {
    for (const { place } of checksums) used.add(PLACES[place].letter);
    for (const { by } of receipt?.checksums ?? []) used.add(VERIFIERS[by].letter);
  }
  const items = LEGEND.filter(([{ letter }]) => used.has(letter));
  return `<ul class="legend">${items.map(([mark, text]) => `<li>${box(mark)} ${escapeHtml(text)}</li>`).join("")}</ul>`;
}

function box({ letter, class: name }: Mark, title?: string): string {
  const tip = title === undefined ? "" : ` title="${escapeHtml(title)}"`;
  return `<i class="box ${name}"${tip}>${letter}</i>`;
}

/** A block for each NIC, a row for each tunnel, a column for each inner protocol. */
function matrix(offloads: readonly OffloadResult[]): string {
  const inner = [...new Set(offloads.map((o) => o.inner))];
  const columns = inner.map((name) => `<th scope="col">${escapeHtml(protocolName(name))}</th>`).join("");
  const blocks = grouped(offloads, nicName).map(([nic, ofNic]) => {
    const rows = grouped(ofNic, (o) => `${o.tunnel} ${o.via}`).map(([, ofTunnel]) => {
      const cells = inner.map((name) => cell(ofTunnel.find((o) => o.inner === name))).join("");
      return `<tr><th scope="row">${escapeHtml(tunnelName(ofTunnel[0]?.tunnel ?? ""))}</th>${cells}</tr>`;
    });
    const head = `<tr><th scope="rowgroup" colspan="${inner.length + 1}">${escapeHtml(nic)}</th></tr>`;
    return `<tbody>${head}\n${rows.join("\n")}</tbody>`;
  });
  return `<div class="scroll" tabindex="0" role="region" aria-label="Offloads by NIC, tunnel and protocol"><table class="matrix"><thead><tr><th scope="col">NIC, tunnel</th>${columns}</tr></thead>${blocks.join("\n")}</table></div>`;
}

function cell(packet: OffloadResult | undefined): string {
  if (packet === undefined) return "<td></td>";
  const { checksums, receipt, cpuSummed, cpuMoved, right, faults, segmentation } = packet;
  const sent = checksums.map(({ header, place }) => box(PLACES[place], `${header}: ${PLACES[place].means}`)).join("");
  const cost = formatBytes(cpuSummed + cpuMoved);
  const out = `${sent} <small title="read and copied by the CPU; cut into frames by: ${segmentation}">${cost}</small>`;
  const wrong = right ? "" : `<b class="bad" title="${escapeHtml(faults.join("; "))}">wrong</b>`;
  if (receipt === undefined) return `<td><div>${out} ${wrong}</div></td>`;
  const received = receipt.checksums.map(({ header, by }) => box(VERIFIERS[by], `${header}: ${VERIFIERS[by].means}`));
  const lost =
    receipt.delivered === packet.payload ? "" : ` <b class="bad">${formatBytes(receipt.delivered)} arrived</b>`;
  const read = `<small title="read by the CPU to verify; the device said: ${reportName(packet)}">${formatBytes(receipt.cpuSummed)}</small>`;
  return `<td><div>${out} ${wrong}</div><div>${received.join("")} ${read}${lost}</div></td>`;
}

function nicName({ profile, careless, receipt }: OffloadResult): string {
  const sender = careless === true ? `${profile} under a careless driver` : profile;
  return receipt === undefined || receipt.profile === profile ? sender : `${sender} → ${receipt.profile}`;
}

function tunnelName(tunnel: string): string {
  return tunnel === "none" ? "plain" : tunnel;
}

/** `tcp4` as people write it. */
function protocolName(inner: string): string {
  return `${inner.slice(0, -1).toUpperCase()} / IPv${inner.slice(-1)}`;
}

function reportName({ receipt }: OffloadResult): string {
  if (receipt === undefined) return "–";
  return receipt.report === "unnecessary" ? `unnecessary, level ${receipt.csumLevel}` : receipt.report;
}

function grouped<Row>(rows: readonly Row[], key: (row: Row) => string): [string, Row[]][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const name = key(row);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return [...groups];
}

const count =
  <Row>(of: (row: Row) => number): ((row: Row) => string) =>
  (row) =>
    formatCount(of(row));

const SENT: readonly Column<OffloadResult>[] = [
  { title: "NIC", cell: nicName },
  { title: "tunnel", cell: (o) => o.tunnel },
  { title: "inner", cell: (o) => o.inner },
  { title: "frames", number: true, cell: count((o) => o.frames) },
  {
    title: "checksums",
    help: "from the outside inwards; lco: local checksum offload, from the headers alone",
    cell: (o) => o.checksums.map(({ header, place }) => `${header} ${place}`).join(", "),
  },
  { title: "cut by", help: "who made frames of it", cell: (o) => o.segmentation },
  { title: "CPU summed", help: "bytes read for checksums", number: true, cell: count((o) => o.cpuSummed) },
  {
    title: "CPU moved",
    help: "bytes copied, and summed on the way, to cut it",
    number: true,
    cell: count((o) => o.cpuMoved),
  },
  { title: "device summed", number: true, cell: count((o) => o.deviceSummed) },
  {
    title: "on the wire",
    cell: (o) => (o.right ? "right" : o.faults.join("; ")),
    bad: (o) => !o.right,
  },
];

const RECEIVED: readonly Column<OffloadResult>[] = [
  { title: "NIC", cell: (o) => o.receipt?.profile ?? "" },
  { title: "tunnel", cell: (o) => o.tunnel },
  { title: "inner", cell: (o) => o.inner },
  { title: "the device said", help: "ip_summed and csum_level of the first frame", cell: reportName },
  {
    title: "verified by",
    help: "from the outside inwards; known: from a verified checksum around it",
    cell: (o) => (o.receipt?.checksums ?? []).map(({ header, by }) => `${header} ${by}`).join(", "),
    bad: (o) => (o.receipt?.checksums ?? []).some(({ by }) => by === "bad"),
  },
  { title: "CPU summed", help: "bytes read to verify", number: true, cell: count((o) => o.receipt?.cpuSummed ?? 0) },
  { title: "device summed", number: true, cell: count((o) => o.receipt?.deviceSummed ?? 0) },
  {
    title: "delivered",
    help: "bytes of payload",
    number: true,
    cell: count((o) => o.receipt?.delivered ?? 0),
    bad: (o) => o.receipt?.delivered !== o.payload,
  },
];

function renderSwitch({ nic, mode, ports }: EmbeddedSwitchResult): string {
  return renderTable(`Switch in ${nic} (${mode.toUpperCase()}), by port`, PORTS, ports);
}

const PORTS: readonly Column<EmbeddedSwitchResult["ports"][number]>[] = [
  { title: "port", cell: (p) => p.port },
  { title: "in", help: "unicast frames into the switch", number: true, cell: count((p) => p.rx_unicast) },
  {
    title: "to many",
    help: "multicast and broadcast frames into it",
    number: true,
    cell: count((p) => p.rx_multicast),
  },
  { title: "bytes in", number: true, cell: (p) => formatBytes(p.rx_bytes) },
  { title: "out", help: "unicast frames out of the switch", number: true, cell: count((p) => p.tx_unicast) },
  {
    title: "to many",
    help: "multicast and broadcast frames out of it",
    number: true,
    cell: count((p) => p.tx_multicast),
  },
  { title: "bytes out", number: true, cell: (p) => formatBytes(p.tx_bytes) },
  {
    title: "stayed inside",
    help: "went to another port, never to the wire",
    number: true,
    cell: count((p) => p.local),
  },
  {
    title: "forged",
    help: "not the function's source address",
    number: true,
    cell: count((p) => p.spoofed),
    bad: (p) => p.spoofed > 0,
  },
  { title: "dropped", number: true, cell: count((p) => p.tx_dropped), bad: (p) => p.tx_dropped > 0 },
];
