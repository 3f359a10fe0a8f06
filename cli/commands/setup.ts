import { join } from 'node:path';
import { temporalBinary } from '../embedded/binary.ts';
import { say } from '../print.ts';
import { settings } from '../settings.ts';

/** `panelflow setup`: gets the Temporal server and native TensorFlow, once; with `--gpu` the build that trains on NVIDIA GPUs. */
export async function setup(flags: { readonly gpu?: boolean }): Promise<number> {
  const set = settings();
  const binary = await temporalBinary({ cache: set.cache, given: set.temporalBinary, say });
  say(`Temporal ${binary.version} (${binary.from})`);
  const { ensureNative } = await import('../../tensor/native.ts');
  const native = await ensureNative({ cache: join(set.cache, 'libtensorflow'), flavour: flags.gpu ? 'gpu' : 'cpu', say });
  say(`TensorFlow ${native.version} (native, ${native.flavour} build)`);
  return 0;
}
