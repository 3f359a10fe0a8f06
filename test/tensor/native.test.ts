import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadBackend, TENSOR_ENV } from '../../tensor/backend.ts';
import { ensureNative } from '../../tensor/native.ts';

const backend = await loadBackend();

describe('loadBackend', () => {
  it('names the library, its version and the device', () => {
    expect(backend.version).toMatch(/^\d+\.\d+/);
    expect(['CPU', 'GPU']).toContain(backend.device);
    expect(backend.tf.tensor1d([1, 2]).sum().dataSync()[0]).toBe(3);
  });

  it('loads once for a process', async () => {
    expect(await loadBackend()).toBe(backend);
  });

  it('says which variables must be set before the process starts', () => {
    expect(TENSOR_ENV.TF_CPP_MIN_LOG_LEVEL).toBe('2');
  });
});

describe('ensureNative', () => {
  it.skipIf(backend.name !== 'tensorflow')('fetches nothing when the backend loads already', async () => {
    const cache = await mkdtemp(join(tmpdir(), 'panelflow-native-'));
    const said: string[] = [];
    const found = await ensureNative({ cache, flavour: 'cpu', say: (line) => void said.push(line) });
    expect(found).toMatchObject({ version: backend.version, fresh: false });
    expect(said).toEqual([]);
    await rm(cache, { recursive: true });
  });
});
