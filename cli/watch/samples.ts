import { readFile } from 'node:fs/promises';
import { csvRows } from '../../core/csv.ts';
import { ConfigError } from '../../core/errors.ts';
import { shortPath, yamlValue } from '../../runs/source-file.ts';
import type { WatchSpec } from '../../schemas/watch.ts';

type Samples = WatchSpec['samples'];
/** Sheets stand in one record that every look at the bucket reads. */
const MOST = 20_000;

/** Reads a sample sheet: a column `drop` (a file's name, a key, or a glob), and params by dotted path with values in YAML; empty cells say nothing. */
export async function readSamples(path: string): Promise<Samples> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`The sample sheet ${shortPath(path)} cannot be read (${error.code})`, {
      mend: 'Name a CSV file with --samples.',
    });
  });
  const wrong = (line: number, message: string, mend: string): never => {
    throw new ConfigError(`${shortPath(path)}:${line}: ${message}`, { mend });
  };
  const [header, ...rows] = csvRows(text);
  const at = header?.cells.indexOf('drop') ?? -1;
  if (header === undefined || at < 0)
    return wrong(
      header?.line ?? 1,
      'The sample sheet has no column "drop"',
      'Its first line names the columns: drop, then params such as seeds or split.train.',
    );
  const twice = header.cells.find((name, i) => name === '' || header.cells.indexOf(name) !== i);
  if (twice !== undefined)
    return wrong(header.line, `The column "${twice}" ${twice === '' ? 'has no name' : 'is there twice'}`, 'Name each column once.');
  if (rows.length > MOST) return wrong(rows[MOST].line, `The sample sheet has more than ${MOST} rows`, 'Use globs in the column "drop".');
  const seen = new Map<string, number>();
  return rows.map(({ line, cells }) => {
    if (cells.length !== header.cells.length)
      wrong(line, `There are ${cells.length} cells for ${header.cells.length} columns`, 'Quote what holds a comma, for example "[0, 1]".');
    const drop = cells[at];
    if (drop === '') wrong(line, 'The column "drop" is empty', 'Write a file name or a glob.');
    if (seen.has(drop)) wrong(line, `"${drop}" is there already, in line ${seen.get(drop)}`, 'Keep one of the two.');
    seen.set(drop, line);
    const params = Object.fromEntries(
      header.cells.flatMap((name, i) =>
        i === at || cells[i] === '' ? [] : [[name, valueOf(cells[i], () => wrong(line, `${name}: "${cells[i]}" is no YAML`, 'Quote it.'))]],
      ),
    );
    return { drop, params };
  });
}

function valueOf(text: string, refuse: () => never): unknown {
  try {
    return yamlValue(text);
  } catch {
    return refuse();
  }
}
