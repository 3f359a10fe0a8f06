import { parse } from 'yaml';
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { ConfigError } from '../../core/errors.ts';
import { didYouMean } from '../../core/problem.ts';
import { PipelineDefinition, RunFile } from '../../schemas/pipeline.ts';
import { loadRegistry } from '../../workers/compose.ts';
import { builtinPipelines, shippedPath } from '../../runs/load.ts';
import { runSchema } from '../params-schema.ts';

const SCHEMAS = { run: RunFile, pipeline: PipelineDefinition } as const;

/** The JSON Schema of a kind of file, draft 2020-12: `run`, `pipeline`, or the files that run one of our pipelines. */
export async function jsonSchema(name: string): Promise<string> {
  if (name === 'run' || name === 'pipeline') return `${JSON.stringify(z.toJSONSchema(SCHEMAS[name], { io: 'input' }), null, 2)}\n`;
  const pipelines = await builtinPipelines();
  if (!pipelines.includes(name))
    throw new ConfigError(`There is no schema "${name}"`, { mend: didYouMean(name, [...Object.keys(SCHEMAS), ...pipelines]) });
  const text = await readFile(shippedPath(name), 'utf8');
  return `${JSON.stringify(await runSchema(PipelineDefinition.parse(parse(text)), await loadRegistry([])), null, 2)}\n`;
}

/** `panelflow schema [run|pipeline|benchmark]` */
export async function schema(name = 'run'): Promise<number> {
  process.stdout.write(await jsonSchema(name));
  return 0;
}
