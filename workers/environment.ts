import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import type { Environment } from '../schemas/run.ts';

let known: Promise<Environment> | undefined;

/** What this machine computes with: what two runs that differ are compared by. */
export const environment = (): Promise<Environment> => (known ??= look());

async function look(): Promise<Environment> {
  const [{ listGpus, placedLibrary }, { packageVersion }] = await Promise.all([import('../tensor/native.ts'), import('../runs/load.ts')]);
  const [library, gpus] = await Promise.all([placedLibrary(), listGpus()]);
  return {
    panelflow: await packageVersion(),
    node: process.version,
    tensorflow: library ? `${library.version} (${library.flavour})` : 'as the vendor gives it',
    system: `${platform()} ${release()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory_bytes: totalmem(),
    gpus: gpus.join(', ') || 'none',
  };
}
