import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { ConfigError, ResourceError } from '../../core/errors.ts';
import type { Panel } from '../../plugins/contract.ts';
import yoto from '../../plugins/selectors/yoto.ts';
import { loadBackend, openBackend } from '../../tensor/backend.ts';
import { MARKERS, testContext, tinyAtlas, tinySplit } from '../kit/tiny-atlas.ts';

// This file has a process of its own, and a process has one backend: here it is WebAssembly.
const said: string[] = [];
process.env.PANELFLOW_TENSOR = 'wasm';
const backend = await loadBackend((line) => void said.push(line));
const { tf } = backend;

const matrix = (shape: [number, number], at: number) =>
  tf.tensor2d(
    Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => Math.sin(at + 1.7 * i)),
    shape,
  );

function product(a: Float32Array, b: Float32Array, [rows, inner, cols]: readonly number[], turn: readonly boolean[]): Float64Array {
  return Float64Array.from({ length: rows * cols }, (_, at) => {
    const [i, j] = [Math.floor(at / cols), at % cols];
    let sum = 0;
    for (let l = 0; l < inner; l++) sum += a[turn[0] ? l * rows + i : i * inner + l] * b[turn[1] ? j * inner + l : l * cols + j];
    return sum;
  });
}

describe('the WebAssembly backend', () => {
  it('is named, and says in one line that it is slower', () => {
    expect(backend).toMatchObject({ name: 'wasm', version: '4.22.0', device: 'CPU', isGpu: false, native: undefined });
    expect(said).toEqual(['PANELFLOW_TENSOR=wasm: training runs in WebAssembly, about 8x slower than native TensorFlow.']);
  });

  it('multiplies with and without transpose flags', () => {
    for (const turn of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ]) {
      const [rows, inner, cols] = [5, 7, 3];
      const a = matrix(turn[0] ? [inner, rows] : [rows, inner], 1);
      const b = matrix(turn[1] ? [cols, inner] : [inner, cols], 2);
      const out = tf.matMul(a, b, turn[0], turn[1]);
      const fused = tf.fused.matMul({ a, b, transposeA: turn[0], transposeB: turn[1], activation: 'linear' });
      expect(out.shape).toEqual([rows, cols]);
      const want = product(a.dataSync() as Float32Array, b.dataSync() as Float32Array, [rows, inner, cols], turn);
      out.dataSync().forEach((x, i) => expect(x).toBeCloseTo(want[i], 5));
      fused.dataSync().forEach((x, i) => expect(x).toBeCloseTo(want[i], 5));
    }
  });

  it('multiplies batches of matrices with transpose flags', () => {
    const a = tf.tensor3d(
      Float32Array.from({ length: 24 }, (_, i) => i),
      [2, 4, 3],
    );
    const values = a.dataSync() as Float32Array;
    const want = [0, 12].flatMap((at) => {
      const part = values.subarray(at, at + 12);
      return [...product(part, part, [3, 4, 3], [true, false])];
    });
    const whole = tf.matMul(a, a, true);
    expect(whole.shape).toEqual([2, 3, 3]);
    expect([...whole.dataSync()]).toEqual(want);
  });

  it('has the gradient of gather, which it lacks as shipped', () => {
    const at = tf.tensor1d([2, 0, 2], 'int32');
    const gradient = tf.grad((x) =>
      tf
        .gather(x, at)
        .mul(tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]))
        .sum(),
    )(tf.zeros([4, 2]));
    expect([...gradient.dataSync()]).toEqual([3, 4, 0, 0, 6, 8, 0, 0]);
  });

  it('keeps no tensors and no memory of its products', () => {
    const [a, b] = [matrix([64, 256], 1), matrix([64, 128], 2)];
    const memory = (): number => (tf.backend() as unknown as { numDataIds(): number }).numDataIds();
    const before = [tf.memory().numTensors, memory()];
    for (let i = 0; i < 50; i++) tf.matMul(a, b, true).dispose();
    expect([tf.memory().numTensors, memory()]).toEqual(before);
  });

  it('trains: yoto finds the markers of the tiny atlas', async () => {
    const data = tinyAtlas();
    const lines: string[] = [];
    const params = yoto.params.parse({ k: 6, tasks: [{ column: 'type' }], epochs: 30, batch: 32, hidden: [16] });
    const { outputs, facts } = await yoto.run(
      testContext({ log: (line) => void lines.push(line) }),
      { data, split: tinySplit(data) },
      params,
    );
    const { genes } = outputs.panel as Panel;
    expect(genes.filter((j) => MARKERS.includes(j)).length).toBeGreaterThanOrEqual(5);
    expect(facts?.backend).toMatch(/^wasm 4.22.0/);
  });
});

describe('openBackend', () => {
  const require = createRequire(import.meta.url);
  const without =
    (...missing: string[]) =>
    (name: string): unknown => {
      if (missing.includes(name)) throw new Error(`Cannot find module '${name}'\nRequire stack: ...`);
      return require(name);
    };

  it('refuses a word that names no backend', async () => {
    const wrong = openBackend('cuda', () => {});
    await expect(wrong).rejects.toThrow(ConfigError);
    await expect(wrong).rejects.toMatchObject({ mend: 'Set it to auto, tensorflow, wasm, cpu or webgpu, or not at all.' });
  });

  it('says what to install when a chosen backend is not there', async () => {
    const gone = openBackend('tensorflow', () => {}, without('@tensorflow/tfjs-node'));
    await expect(gone).rejects.toThrow(ResourceError);
    await expect(gone).rejects.toThrow("tensorflow, does not load (Cannot find module '@tensorflow/tfjs-node')");
    await expect(openBackend('webgpu', () => {})).rejects.toMatchObject({
      mend: expect.stringContaining('npm install webgpu @tensorflow/tfjs-backend-webgpu'),
    });
  });

  it('falls back to WebAssembly, then to plain JavaScript, each with one line', async () => {
    const lines: string[] = [];
    const log = (line: string): void => void lines.push(line);
    expect((await openBackend('auto', log, without('@tensorflow/tfjs-node'))).name).toBe('wasm');
    expect((await openBackend('auto', log, without('@tensorflow/tfjs-node', '@tensorflow/tfjs-backend-wasm'))).name).toBe('cpu');
    await tf.setBackend('wasm');
    expect(lines).toEqual([
      "Native TensorFlow does not load (Cannot find module '@tensorflow/tfjs-node'); training runs in WebAssembly, about 8x slower than native TensorFlow. Mend: npm start, or panelflow setup.",
      expect.stringMatching(
        /^Native TensorFlow does not load .*; WebAssembly does not load .*; training runs in plain JavaScript, about 150x slower\. Mend/,
      ),
    ]);
  });
});
