import * as z from 'zod';
import { ConfigError } from '../../core/errors.ts';
import { didYouMean } from '../../core/problem.ts';
import { PipelineDefinition, RunFile } from '../../schemas/pipeline.ts';

const SCHEMAS = { run: RunFile, pipeline: PipelineDefinition } as const;

/** The JSON Schema of a file, draft 2020-12. */
export function jsonSchema(name: keyof typeof SCHEMAS): string {
  return `${JSON.stringify(z.toJSONSchema(SCHEMAS[name], { io: 'input' }), null, 2)}\n`;
}

/** `panelflow schema [run|pipeline]` */
export async function schema(name = 'run'): Promise<number> {
  if (!Object.hasOwn(SCHEMAS, name))
    throw new ConfigError(`There is no schema "${name}"`, { mend: didYouMean(name, Object.keys(SCHEMAS)) });
  process.stdout.write(jsonSchema(name as keyof typeof SCHEMAS));
  return 0;
}
