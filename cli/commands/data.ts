import { CATALOGUE, catalogueEntry, fetchDataset } from '../../data/catalogue.ts';
import { say, table } from '../print.ts';
import { allowedHosts, mirror } from '../../workers/machine.ts';

/** `panelflow data [NAME]`: known datasets with their citation; with a name, the path of the fetched file. */
export async function data(name: string | undefined, flags: { readonly out: string; readonly json?: boolean }): Promise<number> {
  const copies = mirror();
  if (name === undefined) {
    if (flags.json) process.stdout.write(`${JSON.stringify(CATALOGUE, null, 1)}\n`);
    else
      process.stdout.write(
        `${table(
          CATALOGUE.map((e) => [e.name, e.title, e.citation]),
          ['name', 'what', 'citation'],
        )}\n`,
      );
    return 0;
  }
  const entry = catalogueEntry(name);
  if (entry.file === undefined) {
    process.stdout.write(`${entry.name}: ${entry.title}. Write data: ${entry.name}.\n`);
    return 0;
  }
  const path = await fetchDataset(name, flags.out, { hosts: allowedHosts(), ...(copies === undefined ? {} : { mirror: copies }) });
  if (flags.json) process.stdout.write(`${JSON.stringify({ ...entry, path })}\n`);
  else {
    say(`${entry.title}. ${entry.citation}`);
    process.stdout.write(`${path}\n`);
  }
  return 0;
}
