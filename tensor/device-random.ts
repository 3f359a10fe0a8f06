import type { Tensor } from '@tensorflow/tfjs';
import { Random } from '../stats/random.ts';
import type { Backend } from './backend.ts';

/**
 * Random tensors made where they are used. Each draw depends on the seed and on how many draws there were, so the whole state is one number.
 * Native TensorFlow draws with its counter-based generator (Philox); other backends draw in JavaScript (another stream, as repeatable).
 */
export class DeviceRandom {
  /** How many draws there were; set it to go on from a saved state. */
  drawn = 0;
  readonly #backend: Backend;
  readonly #seed: number;

  constructor(backend: Backend, seed: number) {
    this.#backend = backend;
    this.#seed = seed >>> 0;
  }

  /** Uniform in (0, 1), open at both ends. */
  uniform(shape: readonly number[]): Tensor {
    const { tf, native } = this.#backend;
    if (!native) return this.#draw(shape, (random) => random.uniform());
    return tf.tidy(() => this.#raw('StatelessRandomUniform', shape).clipByValue(2 ** -24, 1 - 2 ** -24));
  }

  /** Standard normal. */
  normal(shape: readonly number[]): Tensor {
    return this.#backend.native ? this.#raw('StatelessRandomNormal', shape) : this.#draw(shape, (random) => random.normal());
  }

  /** Standard exponential, -ln u; its logarithm, negated, is standard Gumbel. May hold an infinity, once in some millions of draws. */
  exponential(shape: readonly number[]): Tensor {
    const { tf, native } = this.#backend;
    return tf.tidy(() => (native ? this.#raw('StatelessRandomUniform', shape) : this.uniform(shape)).log().neg());
  }

  /** Standard logistic: ln(u / (1 - u)). May hold minus infinity, once in some millions of draws. */
  logistic(shape: readonly number[]): Tensor {
    const { tf, native } = this.#backend;
    return tf.tidy(() => {
      const u = native ? this.#raw('StatelessRandomUniform', shape) : this.uniform(shape);
      return u.div(tf.sub(1, u)).log();
    });
  }

  /** Standard Gumbel: -ln(-ln u). */
  gumbel(shape: readonly number[]): Tensor {
    return this.#backend.tf.tidy(() => this.uniform(shape).log().neg().log().neg());
  }

  /** What dropout multiplies by: 1 / (1 - rate) with probability 1 - rate, else 0. */
  dropout(shape: readonly number[], rate: number): Tensor {
    const { tf } = this.#backend;
    return tf.tidy(() =>
      this.uniform(shape)
        .greater(rate)
        .cast('float32')
        .mul(1 / (1 - rate)),
    );
  }

  #raw(name: string, shape: readonly number[]): Tensor {
    const { tf } = this.#backend;
    const native = this.#backend.native!;
    const { binding } = native;
    const attributes = [
      { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 },
      { name: 'dtype', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
      { name: 'Tseed', type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 },
    ];
    const inputs = [tf.tensor1d([...shape], 'int32'), tf.tensor1d([this.#seed | 0, this.drawn++], 'int32')];
    const drawn = native.executeSingleOutput(name, attributes, inputs);
    tf.dispose(inputs);
    return drawn;
  }

  #draw(shape: readonly number[], next: (random: Random) => number): Tensor {
    const random = Random.of(this.#seed, 'device', this.drawn++);
    const size = shape.reduce((a, b) => a * b, 1);
    return this.#backend.tf.tensor(
      Float32Array.from({ length: size }, () => next(random)),
      [...shape],
    );
  }
}
