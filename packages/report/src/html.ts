/** Text for HTML: what has a meaning there is written as an entity. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A value as JSON that can stand in a `<script>`: no `</script>`, no `<!--`, no line separators. */
export function embedJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

export interface Column<Row> {
  readonly title: string;
  /** Longer, shown when one points at the title. */
  readonly help?: string;
  readonly number?: boolean;
  readonly cell: (row: Row) => string;
  /** Marks the cell: something was lost here. */
  readonly bad?: (row: Row) => boolean;
}

/** A table with a caption. The first column heads its row. */
export function renderTable<Row>(caption: string, columns: readonly Column<Row>[], rows: readonly Row[]): string {
  if (rows.length === 0) return "";
  const head = columns
    .map(({ title, help, number }) => {
      const tip = help === undefined ? "" : ` title="${escapeHtml(help)}"`;
      return `<th scope="col"${number === true ? ' class="n"' : ""}${tip}>${escapeHtml(title)}</th>`;
    })
    .join("");
  const body = rows.map((row) => `<tr>${columns.map((column, i) => cell(column, row, i)).join("")}</tr>`).join("\n");
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(caption)}"><table><caption>${escapeHtml(caption)}</caption><thead><tr>${head}</tr></thead><tbody>
${body}
</tbody></table></div>
`;
}

function cell<Row>(column: Column<Row>, row: Row, index: number): string {
  const text = escapeHtml(column.cell(row));
  if (index === 0) return `<th scope="row">${text}</th>`;
  const classes = [column.number === true ? "n" : "", column.bad?.(row) === true ? "bad" : ""].filter((c) => c !== "");
  return `<td${classes.length === 0 ? "" : ` class="${classes.join(" ")}"`}>${text}</td>`;
}
