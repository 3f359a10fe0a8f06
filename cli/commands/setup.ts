import { join } from 'node:path';
import { temporalBinary } from '../embedded/binary.ts';
import { say } from '../print.ts';
import { settings } from '../settings.ts';

/** `panelflow setup`: gets the Temporal server and native TensorFlow, once. */
export async function setup(flags: { readonly gpu?: boolean }): Promise<number> {
  const set = settings();
  const binary = await temporalBinary({ cache: set.cache, given: set.temporalBinary, say });
  say(`Temporal ${binary.version} (${binary.from})`);
  const { ensureNative } = await import('../../tensor/native.ts');
  const native = await ensureNative({ cache: join(set.cache, 'libtensorflow'), flavour: flags.gpu ? 'gpu' : 'cpu', say });
  say(`TensorFlow ${native.version} (native)`);
  return 0;
}
