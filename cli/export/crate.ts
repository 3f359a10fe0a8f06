import { createHash } from 'node:crypto';
import { basename, extname, resolve } from 'node:path';
import { stringify } from 'yaml';
import { type Publish, publisher } from '../../runs/publish.ts';
import { writeResults } from '../../runs/results.ts';
import type { Taken } from './taken.ts';

type Entity = Readonly<Record<string, unknown>> & { readonly '@id': string };
const at = (id: string): { readonly '@id': string } => ({ '@id': id });

const PROFILES = [
  ['https://w3id.org/ro/wfrun/process/0.5', 'Process Run Crate', '0.5'],
  ['https://w3id.org/ro/wfrun/workflow/0.5', 'Workflow Run Crate', '0.5'],
  ['https://w3id.org/workflowhub/workflow-ro-crate/1.0', 'Workflow RO-Crate', '1.0'],
] as const;
const LANGUAGE = 'https://w3id.org/workflowhub/workflow-ro-crate#panelflow';
const TYPES: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.h5': 'application/x-hdf5',
  '.h5ad': 'application/x-hdf5',
  '.md': 'text/markdown',
  '.html': 'text/html',
  '.json': 'application/json',
  '.parquet': 'application/vnd.apache.parquet',
  '.tsv': 'text/tab-separated-values',
  '.yaml': 'application/yaml',
};

const OTHER = 'application/octet-stream';

/** What a crate says of its run beside its files. */
export interface CrateFacts {
  readonly version: string;
  /** The data are the user's: so is the choice of a licence for them. */
  readonly licence: string;
  /** Who ran it. */
  readonly author: string;
}

/**
 * A Workflow Run RO-Crate 0.5: the results, the pipeline and the file that ran it (`panelflow run run.yaml` repeats it), and
 * ro-crate-metadata.json, which says what was made from what, when, and with what outcome.
 */
export async function exportCrate(taken: Taken, out: string, facts: CrateFacts): Promise<string> {
  const { plan, record, store, source } = taken;
  const files: Entity[] = [];
  const write = publisher(out);
  const publish: Publish = async (name, bytes) => {
    await write(name, bytes);
    const buffer = Buffer.from(bytes as Uint8Array);
    const type = TYPES[extname(name)] ?? OTHER;
    const about = { contentSize: String(buffer.length), sha256: createHash('sha256').update(buffer).digest('hex') };
    files.push({ '@id': name, '@type': 'File', name: basename(name), ...about, encodingFormat: type });
  };
  await writeResults(plan, record, taken.records, { store, publish });
  const results = files.map((file) => at(file['@id']));
  await publish('pipeline.yaml', stringify(source.definition));
  const { params, include, exclude, resources } = source.run;
  // Where the data lay, whatever folder the crate is unpacked in.
  const placed = inPlace(params, source.folder, new Set(plan.tasks.flatMap((task) => task.files.map(({ path }) => path))));
  const asked = { pipeline: './pipeline.yaml', name: plan.name, params: placed, include, exclude, resources, plugins: [...source.plugins] };
  await publish('run.yaml', stringify(Object.fromEntries(Object.entries(asked).filter(([, v]) => Object.keys(v as object).length > 0))));
  await publish('README.md', readme(taken));
  const metadata = {
    '@context': ['https://w3id.org/ro/crate/1.1/context', 'https://w3id.org/ro/terms/workflow-run/context'],
    '@graph': graphOf(taken, { files, results, ...facts }),
  };
  await write('ro-crate-metadata.json', `${JSON.stringify(metadata, null, 1)}\n`);
  return `${out}/ro-crate-metadata.json with ${files.length} files`;
}

interface Parts extends CrateFacts {
  readonly files: readonly Entity[];
  readonly results: readonly { readonly '@id': string }[];
}

/** Params in which relative names of files that were read are absolute. */
function inPlace(value: unknown, folder: string, files: ReadonlySet<string>): unknown {
  if (typeof value === 'string') return files.has(resolve(folder, value)) ? resolve(folder, value) : value;
  if (Array.isArray(value)) return value.map((item) => inPlace(item, folder, files));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inPlace(item, folder, files)]));
}

const readme = ({ plan, record }: Taken): string => `# Gene panels compared: ${plan.name}

Results of the panelflow run \`${record.run}\`: open report.html; metrics.csv, panels.csv and summary.csv hold the numbers, trace.tsv each step.
\`panelflow run run.yaml\` computes it again, from pipeline.yaml and the data that run.yaml names. ro-crate-metadata.json says what was made from what.
`;

/** ISO 8601 to the second. */
const time = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+00:00`;

function graphOf({ plan, record, records, source }: Taken, { files, results, version, licence, author }: Parts): Entity[] {
  const times = [...records.values()];
  const start = times.length > 0 ? Math.min(...times.map((r) => r.start)) : record.started;
  const end = times.length > 0 ? Math.max(...times.map((r) => r.complete)) : record.started;
  const failed = times.filter((r) => r.status === 'FAILED');
  const inputs = inputsOf(plan);
  const params = Object.entries(plan.params).map(([name, value]): Entity => ({
    '@id': `#param-${name}`,
    '@type': 'PropertyValue',
    name,
    value: typeof value === 'string' ? value : JSON.stringify(value),
    exampleOfWork: at(`#input-${name}`),
  }));
  const formal = params.map(({ name }): Entity => ({
    '@id': `#input-${String(name)}`,
    '@type': 'FormalParameter',
    name,
    additionalType: 'Text',
    conformsTo: at('https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE'),
    workExample: at(`#param-${String(name)}`),
  }));
  const date = time(end);
  return [
    {
      '@id': 'ro-crate-metadata.json',
      '@type': 'CreativeWork',
      about: at('./'),
      conformsTo: [at('https://w3id.org/ro/crate/1.1'), at('https://w3id.org/workflowhub/workflow-ro-crate/1.0')],
    },
    {
      '@id': './',
      '@type': 'Dataset',
      name: `Gene panels compared: ${plan.name}`,
      description: `Results of the panelflow run ${record.run} of the pipeline ${plan.pipeline}.`,
      datePublished: date,
      license: at(licence),
      author: at('#author'),
      conformsTo: PROFILES.map(([id]) => at(id)),
      hasPart: [...files, ...inputs].map((file) => at(file['@id'])),
      mainEntity: at('pipeline.yaml'),
      mentions: at(`#${record.run}`),
    },
    ...PROFILES.map(([id, name, v]): Entity => ({ '@id': id, '@type': 'CreativeWork', name, version: v })),
    ...files.map((file): Entity =>
      file['@id'] === 'README.md'
        ? { ...file, about: at('./') }
        : file['@id'] === 'pipeline.yaml'
          ? {
              ...file,
              '@type': ['File', 'SoftwareSourceCode', 'ComputationalWorkflow'],
              name: source.definition.name,
              version,
              url: LANGUAGE,
              conformsTo: at('https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE'),
              programmingLanguage: at(LANGUAGE),
              input: formal.map((f) => at(f['@id'])),
            }
          : file,
    ),
    { '@id': LANGUAGE, '@type': 'ComputerLanguage', name: 'panelflow', identifier: at(LANGUAGE), url: at(LANGUAGE), version },
    { '@id': licence, '@type': 'CreativeWork', name: licence.split('/').at(-1) ?? licence, url: licence },
    { '@id': '#author', '@type': 'Person', name: author },
    ...formal,
    ...params,
    ...inputs,
    {
      '@id': `#${record.run}`,
      '@type': 'CreateAction',
      name: `Run ${record.run}`,
      description: `${plan.cells} cells of the sweep in ${plan.tasks.length} tasks.`,
      agent: at('#author'),
      instrument: at('pipeline.yaml'),
      object: [...inputs, ...params].map((entity) => at(entity['@id'])),
      result: results,
      startTime: time(start),
      endTime: date,
      actionStatus: `http://schema.org/${failed.length > 0 ? 'FailedActionStatus' : 'CompletedActionStatus'}`,
      ...(failed.length > 0 ? { error: failed.map((r) => `${r.task}: ${r.error?.message ?? ''}`).join('\n') } : {}),
    },
  ];
}

/** The datasets that the run read, by content. */
function inputsOf({ tasks }: Taken['plan']): Entity[] {
  const files = new Map(tasks.flatMap((task) => task.files).map((file) => [file.path, file.sha256]));
  return [...files].map(([path, sha256]) => ({
    // RFC 6920: by content, not by a path on somebody's machine.
    '@id': `ni:///sha-256;${Buffer.from(sha256, 'hex').toString('base64url')}`,
    '@type': 'File',
    name: basename(path.replace(/#.*/, '')),
    encodingFormat: TYPES[extname(path.replace(/#.*/, ''))] ?? OTHER,
    sha256,
  }));
}
