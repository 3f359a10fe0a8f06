import { createRequire, isBuiltin } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, PluginError } from '../core/errors.ts';
import type { Plugin } from '../core/plugin.ts';
import { Registry } from '../core/registry.ts';
import { isS3 } from '../core/s3-uri.ts';
import type { ArtifactStore } from '../core/store.ts';
import builtin from '../plugins/index.ts';
import { FileStore } from '../plugins/stores/fs.ts';
import { S3Store } from '../plugins/stores/s3.ts';
import { localCache } from './machine.ts';

const stores = new Map<string, ArtifactStore>();

/** The store that `work` names; one object for each name. A store in S3 that is away is waited for so many milliseconds. */
export function openStore(work: string, patienceMs = 0): ArtifactStore {
  const known = stores.get(work);
  if (known) return known;
  if (!isS3(work) && /^[a-z][a-z0-9+.-]+:\/\//.test(work))
    throw new ConfigError(`A store at ${work.split(':')[0]}:// is not supported`, {
      context: { work },
      mend: 'Give a folder or s3://bucket/prefix.',
    });
  const store = isS3(work) ? new S3Store(work, localCache(), { patienceMs }) : new FileStore(work);
  stores.set(work, store);
  return store;
}

/** The built-in plugin and the packages that a pipeline lists; packages are looked up from `from`, the folder of the user's file. */
export async function loadRegistry(packages: readonly string[], from: string = process.cwd()): Promise<Registry> {
  const plugins: Plugin[] = [builtin];
  for (const name of packages) plugins.push(await importPlugin(name, from));
  return new Registry(plugins);
}

async function importPlugin(name: string, from: string): Promise<Plugin> {
  let path: string;
  try {
    path = createRequire(join(from, 'panelflow.yaml')).resolve(name);
  } catch (error) {
    throw new PluginError(`The plugin package "${name}" is not installed`, {
      cause: error,
      context: { package: name },
      mend: `Run: npm install ${name}`,
    });
  }
  const broken = (error: unknown): never => {
    throw new PluginError(`The plugin package "${name}" cannot be loaded: ${(error as Error).message}`, {
      cause: error,
      context: { package: name },
      mend: isBuiltin(name) ? 'That is a module of Node; name a package.' : 'Mend the package, or leave it out of "plugins:".',
    });
  };
  const module = isBuiltin(name)
    ? broken(new Error('it is none'))
    : ((await import(pathToFileURL(path).href).catch(broken)) as { default?: Plugin });
  if (typeof module.default?.name !== 'string' || typeof module.default.contributions !== 'object') {
    throw new PluginError(`The package "${name}" has no plugin as its default export`, {
      context: { package: name },
      mend: 'Its main file needs: export default definePlugin({ ... }).',
    });
  }
  return module.default;
}
