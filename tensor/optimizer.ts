import type { Tensor } from '@tensorflow/tfjs';
import type { Backend, NativeOps } from './backend.ts';

/** Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1, with PyTorch's epsilon), or gradient descent with (heavy-ball) momentum. */
export type Rule =
  | { readonly kind: 'adam'; readonly beta1?: number; readonly beta2?: number; readonly epsilon?: number }
  | { readonly kind: 'sgd'; readonly momentum?: number };

export interface OptimizerOptions {
  readonly rule: Rule;
  /** One learning rate for all parameters, or one for each. */
  readonly rates: number | readonly number[];
}

/** Everything that decides the next steps, to be stored and restored bit by bit. */
export type OptimizerState = {
  readonly step: number;
  /** For each parameter: its values, then the moments of the rule (two for adam, one for sgd). */
  readonly values: readonly (readonly Float32Array[])[];
};

/** Parameters and the rule that moves them. */
export interface Optimizer {
  /** Tensors of the current values; dispose them before `apply`. */
  read(): Tensor[];
  /** One step along the gradients, which stay the caller's; `scale` multiplies every learning rate (schedules). */
  apply(gradients: readonly Tensor[], scale?: number): void;
  /** Current values of one parameter, as a copy. */
  values(at: number): Float32Array;
  /** Gives one parameter other values (a proximal step, a fresh row); its moments stay. */
  assign(at: number, values: Float32Array): void;
  state(): OptimizerState;
  restore(state: OptimizerState): void;
  dispose(): void;
}

/** Takes over the initial tensors as parameters: one fused operation a parameter on native TensorFlow, plain tensors elsewhere. */
export function createOptimizer(backend: Backend, initial: readonly Tensor[], { rule, rates }: OptimizerOptions): Optimizer {
  const all = typeof rates === 'number' ? initial.map(() => rates) : rates;
  return backend.native
    ? new NativeOptimizer(backend, backend.native, initial, rule, all)
    : new PlainOptimizer(backend, initial, rule, all);
}

const MOMENTS = { adam: 2, sgd: 1 } as const;
const snapshot = (t: Tensor): Float32Array => (t.dataSync() as Float32Array).slice();

class PlainOptimizer implements Optimizer {
  #step = 0;
  readonly #backend: Backend;
  readonly #rule: Rule;
  readonly #rates: readonly number[];
  readonly #slots: Tensor[][];

  constructor(backend: Backend, initial: readonly Tensor[], rule: Rule, rates: readonly number[]) {
    const { tf } = backend;
    this.#backend = backend;
    this.#rule = rule;
    this.#rates = rates;
    this.#slots = initial.map((t) => [t, ...Array.from({ length: MOMENTS[rule.kind] }, () => tf.zerosLike(t))]);
    for (const slot of this.#slots) slot.forEach((t) => tf.keep(t));
  }

  read(): Tensor[] {
    return this.#slots.map(([value]) => value.clone());
  }

  apply(gradients: readonly Tensor[], scale = 1): void {
    const { tf } = this.#backend;
    this.#step++;
    this.#slots.forEach((slot, i) => {
      const next = tf.tidy(() => this.#next(slot, gradients[i], this.#rates[i] * scale));
      tf.dispose(slot);
      next.forEach((t, at) => (slot[at] = tf.keep(t)));
    });
  }

  #next([value, first, second]: readonly Tensor[], gradient: Tensor, rate: number): Tensor[] {
    if (this.#rule.kind === 'sgd') {
      const velocity = first.mul(this.#rule.momentum ?? 0).add(gradient);
      return [value.sub(velocity.mul(rate)), velocity];
    }
    const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = this.#rule;
    const root = Math.sqrt(1 - beta2 ** this.#step);
    const m = first.mul(beta1).add(gradient.mul(1 - beta1));
    const v = second.mul(beta2).add(gradient.square().mul(1 - beta2));
    return [value.sub(m.mul((rate * root) / (1 - beta1 ** this.#step)).div(v.sqrt().add(epsilon * root))), m, v];
  }

  values(at: number): Float32Array {
    return snapshot(this.#slots[at][0]);
  }

  assign(at: number, values: Float32Array): void {
    this.#replace(this.#slots[at], 0, values);
  }

  #replace(slot: Tensor[], at: number, values: Float32Array): void {
    const { tf } = this.#backend;
    const old = slot[at];
    slot[at] = tf.keep(tf.tensor(values.slice(), old.shape));
    old.dispose();
  }

  state(): OptimizerState {
    return { step: this.#step, values: this.#slots.map((slot) => slot.map(snapshot)) };
  }

  restore({ step, values }: OptimizerState): void {
    this.#step = step;
    this.#slots.forEach((slot, i) => values[i].forEach((v, at) => this.#replace(slot, at, v)));
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
  readonly #backend: Backend;
  readonly #ops: NativeOps;
  readonly #dtype: object;

  constructor(backend: Backend, ops: NativeOps, initial: Tensor) {
    const { binding } = ops;
    this.#backend = backend;
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
    this.#ops.executeMultipleOutputs('AssignVariableOp', [this.#dtype], [this.handle, initial], 0);
  }

  assign(values: Float32Array): void {
    const t = this.#backend.tf.tensor(values, this.shape);
    this.#ops.executeMultipleOutputs('AssignVariableOp', [this.#dtype], [this.handle, t], 0);
    t.dispose();
  }

  /** An alias without a copy; TensorFlow copies the variable when one is alive during an update. */
  read(): Tensor {
    return this.#ops.executeSingleOutput('ReadVariableOp', [this.#dtype], [this.handle]);
  }

  values(): Float32Array {
    const t = this.read();
    const values = snapshot(t);
    t.dispose();
    return values;
  }

  dispose(): void {
    const ignore = { name: 'ignore_lookup_error', type: this.#ops.binding.TF_ATTR_BOOL, value: true };
    this.#ops.executeMultipleOutputs('DestroyResourceOp', [ignore], [this.handle], 0);
    this.handle.dispose();
  }
}

class NativeOptimizer implements Optimizer {
  #step = 0;
  readonly #backend: Backend;
  readonly #ops: NativeOps;
  readonly #rule: Rule;
  readonly #rates: readonly number[];
  readonly #attributes: readonly object[];
  readonly #slots: ResourceVariable[][];

  constructor(backend: Backend, ops: NativeOps, initial: readonly Tensor[], rule: Rule, rates: readonly number[]) {
    const { tf } = backend;
    const { binding } = ops;
    this.#backend = backend;
    this.#ops = ops;
    this.#rule = rule;
    this.#rates = rates;
    this.#attributes = [
      { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
      { name: 'use_locking', type: binding.TF_ATTR_BOOL, value: false },
      { name: 'use_nesterov', type: binding.TF_ATTR_BOOL, value: false },
    ];
    this.#slots = initial.map((t) => {
      const zeros = tf.zerosLike(t);
      const slot = [t, ...Array.from({ length: MOMENTS[rule.kind] }, () => zeros)].map((x) => new ResourceVariable(backend, ops, x));
      tf.dispose([zeros, t]);
      return slot;
    });
  }

  read(): Tensor[] {
    return this.#slots.map(([value]) => value.read());
  }

  apply(gradients: readonly Tensor[], scale = 1): void {
    this.#step++;
    this.#slots.forEach((slot, i) => this.#applyOne(slot, gradients[i], this.#rates[i] * scale));
  }

  #applyOne([value, first, second]: readonly ResourceVariable[], gradient: Tensor, rate: number): void {
    if (this.#rule.kind === 'sgd') {
      const rates = this.#scalars(rate, this.#rule.momentum ?? 0);
      const inputs = [value.handle, first.handle, rates[0], gradient, rates[1]];
      this.#ops.executeMultipleOutputs('ResourceApplyMomentum', this.#attributes, inputs, 0);
      this.#backend.tf.dispose(rates);
      return;
    }
    const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = this.#rule;
    const [power1, power2] = [beta1 ** this.#step, beta2 ** this.#step];
    // TensorFlow adds epsilon before the bias correction; scaled so, the update is that of algorithm 1.
    const numbers = this.#scalars(power1, power2, rate, beta1, beta2, epsilon * Math.sqrt(1 - power2));
    const inputs = [value.handle, first.handle, second.handle, ...numbers, gradient];
    this.#ops.executeMultipleOutputs('ResourceApplyAdam', this.#attributes, inputs, 0);
    this.#backend.tf.dispose(numbers);
  }

  #scalars(...numbers: number[]): Tensor[] {
    return numbers.map((x) => this.#backend.tf.scalar(x, 'float32'));
  }

  values(at: number): Float32Array {
    return this.#slots[at][0].values();
  }

  assign(at: number, values: Float32Array): void {
    this.#slots[at][0].assign(values);
  }

  state(): OptimizerState {
    return { step: this.#step, values: this.#slots.map((slot) => slot.map((v) => v.values())) };
  }

  restore({ step, values }: OptimizerState): void {
    this.#step = step;
    this.#slots.forEach((slot, i) => slot.forEach((variable, at) => variable.assign(values[i][at])));
  }

  dispose(): void {
    for (const slot of this.#slots) for (const variable of slot) variable.dispose();
  }
}
