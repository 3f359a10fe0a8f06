import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { compile } from '../core/compile.ts';
import { canonical } from '../core/canonical.ts';
import { CompileError, Origins } from '../core/problem.ts';
import type { Registry } from '../core/registry.ts';
import type { Plan } from '../schemas/plan.ts';
import { loadRegistry } from '../workers/compose.ts';
import { fileHasher } from './hash-files.ts';
import { load, type Loaded, type LoadOptions, placed } from './load.ts';
import type { Source } from './records.ts';

export interface Prepared {
  readonly plan: Plan;
  readonly loaded: Loaded;
  readonly registry: Registry;
  /** Hash of the plan: equal plans are one run. */
  readonly hash: string;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** From a file to a plan, with every problem placed. Starts nothing. */
export async function prepare(path: string, options: LoadOptions): Promise<Prepared> {
  const loaded = await load(path, options);
  const folder = dirname(loaded.file.path);
  try {
    const { plan, registry } = await compileSource({ ...loaded, folder });
    return { plan, loaded, registry, hash: sha256(canonical(plan)) };
  } catch (error) {
    throw error instanceof CompileError ? placed(error, loaded) : error;
  }
}

/** Compiles what a plan is made from; CompileError with every problem. */
export async function compileSource({
  definition,
  run,
  plugins,
  folder,
  origins = new Origins(),
}: Source & { readonly origins?: Origins }): Promise<{ readonly plan: Plan; readonly registry: Registry }> {
  const registry = await loadRegistry(plugins, folder);
  return { registry, plan: await compile({ definition, run, registry, origins, hashFile: fileHasher(folder), sha256 }) };
}
