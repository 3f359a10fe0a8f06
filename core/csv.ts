/** A row of a CSV text, and the line that it begins at (from 1). */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/** What a spreadsheet would run when the file is opened there (OWASP, "CSV injection"); no number is one, and no name that is meant. */
const FORMULA = /^[=@\t\r]|^[+-][^\d.].*[(|!]/s;

/** A text as a cell of a CSV: in quotes where it holds a comma, a quote, a line break or blanks at an end; behind an apostrophe where it is a formula. */
export function csvCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\n\r]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Rows of a CSV text (RFC 4180: quotes, doubled quotes, line breaks within quotes); empty lines are left out. */
export function csvRows(text: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let cells: string[] = [];
  let cell = '';
  let isQuoted = false;
  let line = 1;
  let begun = 1;
  const end = (): void => {
    cells.push(cell);
    if (cells.length > 1 || cells[0].trim() !== '') rows.push({ line: begun, cells: cells.map((c) => c.trim()) });
    cells = [];
    cell = '';
    begun = line;
  };
  const source = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  for (let i = 0; i < source.length; i++) {
    const char = source[i];
    if (char === '\n') line++;
    if (isQuoted) {
      if (char !== '"') cell += char;
      else if (source[i + 1] === '"') cell += source[++i];
      else isQuoted = false;
    } else if (char === '"' && cell.trim() === '') {
      isQuoted = true;
      cell = '';
    } else if (char === ',') {
      cells.push(cell);
      cell = '';
    } else if (char === '\n') end();
    else cell += char;
  }
  end();
  return rows;
}

/** A row whose fields are known by the names in the first row. */
export interface NamedRow extends CsvRow {
  /** The field under that name; empty where there is none. */
  readonly at: (name: string) => string;
}

/** A CSV text whose first row names its columns; no header where it is empty. */
export function csvTable(text: string): { readonly header: CsvRow | undefined; readonly rows: readonly NamedRow[] } {
  const [header, ...rest] = csvRows(text);
  const place = new Map(header?.cells.map((name, i) => [name, i]));
  return { header, rows: rest.map((row) => ({ ...row, at: (name) => row.cells[place.get(name) ?? -1] ?? '' })) };
}
