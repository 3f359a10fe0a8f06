import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { compile } from '../core/compile.ts';
import { canonical } from '../core/canonical.ts';
import { CompileError } from '../core/problem.ts';
import type { Registry } from '../core/registry.ts';
import type { Plan } from '../schemas/plan.ts';
import { loadRegistry } from '../workers/compose.ts';
import { fileHasher } from './hash-files.ts';
import { load, type Loaded, type LoadOptions, placed } from './load.ts';

export interface Prepared {
  readonly plan: Plan;
  readonly loaded: Loaded;
  readonly registry: Registry;
  /** Hash of the plan: equal plans are one run. */
  readonly hash: string;
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** From a file to a plan, with every problem placed. Starts nothing. */
export async function prepare(path: string, options: LoadOptions): Promise<Prepared> {
  const loaded = await load(path, options);
  const folder = dirname(loaded.file.path);
  const registry = await loadRegistry(loaded.plugins, folder);
  const { definition, run, origins } = loaded;
  try {
    const plan = await compile({ definition, run, registry, origins, hashFile: fileHasher(folder), sha256 });
    return { plan, loaded, registry, hash: sha256(canonical(plan)) };
  } catch (error) {
    throw error instanceof CompileError ? placed(error, loaded) : error;
  }
}
