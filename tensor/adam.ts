import type { Tensor } from '@tensorflow/tfjs';
import type { Backend, NativeOps } from './backend.ts';

/** Settings of Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1), with PyTorch's epsilon. */
export interface AdamOptions {
  /** One learning rate per parameter. */
  readonly rates: readonly number[];
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/** Everything that decides the next steps, to be stored and restored bit by bit. */
export interface AdamState {
  readonly step: number;
  /** For each parameter: its values, first and second moments. */
  readonly values: readonly (readonly [Float32Array, Float32Array, Float32Array])[];
}

/** Parameters and the optimiser that owns them. */
export interface Adam {
  /** Tensors of the current values; dispose them before `apply`. */
  read(): Tensor[];
  /** One step along the gradients, which stay the caller's. */
  apply(gradients: readonly Tensor[]): void;
  state(): AdamState;
  restore(state: AdamState): void;
  dispose(): void;
}

interface Settings {
  readonly rates: readonly number[];
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** Takes over the initial tensors as parameters: one fused operation a parameter on native TensorFlow, plain tensors elsewhere. */
export function createAdam(backend: Backend, initial: readonly Tensor[], options: AdamOptions): Adam {
  const settings: Settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, ...options };
  return backend.native ? new FusedAdam(backend, backend.native, initial, settings) : new PlainAdam(backend, initial, settings);
}

const snapshot = (t: Tensor): Float32Array => (t.dataSync() as Float32Array).slice();

class PlainAdam implements Adam {
  #step = 0;
  readonly #backend: Backend;
  readonly #settings: Settings;
  readonly #slots: [Tensor, Tensor, Tensor][];

  constructor(backend: Backend, initial: readonly Tensor[], settings: Settings) {
    const { tf } = backend;
    this.#backend = backend;
    this.#settings = settings;
    this.#slots = initial.map((t) => [t, tf.zerosLike(t), tf.zerosLike(t)]);
    for (const slot of this.#slots) slot.forEach((t) => tf.keep(t));
  }

  read(): Tensor[] {
    return this.#slots.map(([value]) => value.clone());
  }

  apply(gradients: readonly Tensor[]): void {
    const { tf } = this.#backend;
    const { beta1, beta2, epsilon, rates } = this.#settings;
    this.#step++;
    const scale = Math.sqrt(1 - beta2 ** this.#step);
    this.#slots.forEach((slot, i) => {
      const next = tf.tidy(() => {
        const first = slot[1].mul(beta1).add(gradients[i].mul(1 - beta1));
        const second = slot[2].mul(beta2).add(gradients[i].square().mul(1 - beta2));
        const rate = (rates[i] * scale) / (1 - beta1 ** this.#step);
        return [slot[0].sub(first.mul(rate).div(second.sqrt().add(epsilon * scale))), first, second];
      });
      tf.dispose(slot);
      next.forEach((t, at) => (slot[at] = tf.keep(t)));
    });
  }

  state(): AdamState {
    return { step: this.#step, values: this.#slots.map(([a, b, c]) => [snapshot(a), snapshot(b), snapshot(c)] as const) };
  }

  restore({ step, values }: AdamState): void {
    const { tf } = this.#backend;
    this.#step = step;
    this.#slots.forEach((slot, i) => {
      slot.forEach((old, at) => {
        slot[at] = tf.keep(tf.tensor(values[i][at].slice(), old.shape));
        old.dispose();
      });
    });
  }

  dispose(): void {
    this.#backend.tf.dispose(this.#slots);
  }
}

let variables = 0;

/** A variable inside the TensorFlow runtime. */
class ResourceVariable {
  readonly shape: number[];
  readonly handle: Tensor;
  readonly #ops: NativeOps;
  readonly #dtype: object;

  constructor(backend: Backend, ops: NativeOps, initial: Tensor) {
    const { binding } = ops;
    this.#ops = ops;
    this.shape = initial.shape;
    this.#dtype = { name: 'dtype', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
    const attributes = [
      { name: 'container', type: binding.TF_ATTR_STRING, value: '' },
      { name: 'shared_name', type: binding.TF_ATTR_STRING, value: `panelflow_${variables++}` },
      this.#dtype,
      { name: 'shape', type: binding.TF_ATTR_SHAPE, value: initial.shape },
    ];
    this.handle = backend.tf.keep(ops.executeSingleOutput('VarHandleOp', attributes, []));
    this.assign(initial);
  }

  assign(value: Tensor): void {
    this.#ops.executeMultipleOutputs('AssignVariableOp', [this.#dtype], [this.handle, value], 0);
  }

  /** An alias without a copy; TensorFlow copies the variable when one is alive during an update. */
  read(): Tensor {
    return this.#ops.executeSingleOutput('ReadVariableOp', [this.#dtype], [this.handle]);
  }

  dispose(): void {
    const ignore = { name: 'ignore_lookup_error', type: this.#ops.binding.TF_ATTR_BOOL, value: true };
    this.#ops.executeMultipleOutputs('DestroyResourceOp', [ignore], [this.handle], 0);
    this.handle.dispose();
  }
}

class FusedAdam implements Adam {
  #step = 0;
  readonly #backend: Backend;
  readonly #ops: NativeOps;
  readonly #settings: Settings;
  readonly #attributes: readonly object[];
  readonly #slots: [ResourceVariable, ResourceVariable, ResourceVariable][];

  constructor(backend: Backend, ops: NativeOps, initial: readonly Tensor[], settings: Settings) {
    const { tf } = backend;
    const { binding } = ops;
    this.#backend = backend;
    this.#ops = ops;
    this.#settings = settings;
    this.#attributes = [
      { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
      { name: 'use_locking', type: binding.TF_ATTR_BOOL, value: false },
      { name: 'use_nesterov', type: binding.TF_ATTR_BOOL, value: false },
    ];
    this.#slots = initial.map((t) => {
      const zeros = tf.zerosLike(t);
      const slot = [t, zeros, zeros].map((x) => new ResourceVariable(backend, ops, x));
      tf.dispose([zeros, t]);
      return slot as [ResourceVariable, ResourceVariable, ResourceVariable];
    });
  }

  read(): Tensor[] {
    return this.#slots.map(([value]) => value.read());
  }

  apply(gradients: readonly Tensor[]): void {
    const { tf } = this.#backend;
    const { beta1, beta2, epsilon, rates } = this.#settings;
    this.#step++;
    const power1 = beta1 ** this.#step;
    const power2 = beta2 ** this.#step;
    this.#slots.forEach(([value, first, second], i) => {
      // TensorFlow adds epsilon before the bias correction; scaled so, the update is that of algorithm 1.
      const numbers = [power1, power2, rates[i], beta1, beta2, epsilon * Math.sqrt(1 - power2)].map((x) => tf.scalar(x, 'float32'));
      const inputs = [value.handle, first.handle, second.handle, ...numbers, gradients[i]];
      this.#ops.executeMultipleOutputs('ResourceApplyAdam', this.#attributes, inputs, 0);
      tf.dispose(numbers);
    });
  }

  state(): AdamState {
    const save = (v: ResourceVariable): Float32Array => {
      const t = v.read();
      const values = snapshot(t);
      t.dispose();
      return values;
    };
    return { step: this.#step, values: this.#slots.map(([a, b, c]) => [save(a), save(b), save(c)] as const) };
  }

  restore({ step, values }: AdamState): void {
    this.#step = step;
    this.#slots.forEach((slot, i) => {
      slot.forEach((variable, at) => {
        const t = this.#backend.tf.tensor(values[i][at], variable.shape);
        variable.assign(t);
        t.dispose();
      });
    });
  }

  dispose(): void {
    for (const slot of this.#slots) for (const variable of slot) variable.dispose();
  }
}
