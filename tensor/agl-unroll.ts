import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { backward, curvature, forward, type Parameters, type Pass, scoped, type Way } from './agl-network.ts';
import type { Tf } from './backend.ts';
import type { GeneTargets } from './pearson.ts';

/** Steps that are taken, and differentiated, on one batch; the moments of adam begin at 0. */
export interface InnerSteps {
  readonly steps: number;
  readonly rate: number;
  readonly rule: 'adam' | 'sgd';
}

/** Spots, as features and as expression. */
export interface SpotBatch {
  readonly x: Tensor2D;
  readonly targets: GeneTargets;
}

/** Sums of past gradients and of their squares, each older one shrunk by beta. */
interface Moments {
  readonly first: Tensor;
  readonly second: Tensor;
}

interface Step {
  readonly parameters: Parameters;
  readonly pass: Pass;
  readonly way: Way;
  /** After the step; none for sgd. */
  readonly moments: readonly Moments[];
}

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;
/** Keeps the root of a second moment from 0. */
const TINY = 1e-36;

/** Rate and epsilon of step t (from 1) when the moments are plain sums (Kingma and Ba 2015, algorithm 1, with 1 - beta taken out). */
function pace(t: number, rate: number): { readonly rate: number; readonly epsilon: number } {
  const scale = Math.sqrt((1 - BETA2 ** t) / (1 - BETA2));
  return { rate: (rate * scale * (1 - BETA1)) / (1 - BETA1 ** t), epsilon: EPSILON * scale };
}

const mapped = (tf: Tf, parameters: Parameters, work: (parameter: Tensor, at: number) => Tensor): Tensor[] =>
  parameters.map((parameter, at) => tf.tidy(() => work(parameter, at)));

function move(tf: Tf, { parameters, way, moments }: Step, t: number, inner: InnerSteps): Tensor[] {
  if (inner.rule === 'sgd') return mapped(tf, parameters, (p, at) => p.sub(way.gradients[at].mul(inner.rate)));
  const { rate, epsilon } = pace(t, inner.rate);
  return mapped(tf, parameters, (p, at) => {
    const { first, second } = moments[at];
    return p.sub(first.div(second.sqrt().add(epsilon)).mul(rate));
  });
}

function nextMoments(tf: Tf, gradients: readonly Tensor[], before: readonly Moments[] | undefined): Moments[] {
  return gradients.map((g, at) =>
    scoped(tf, () => {
      const old = before?.[at];
      const first = old ? old.first.mul(BETA1).add(g) : g.clone();
      const second = old ? old.second.mul(BETA2).add(g.square()) : g.square();
      return { value: { first, second }, keep: [first, second] };
    }),
  );
}

/** The way back through adam's steps: from gradients by the parameters after a step to gradients by its gradient. */
class AdamBack {
  #first: Tensor[] = [];
  /** Twice the gradient by the second moment. */
  #second: Tensor[] = [];

  step(tf: Tf, { way, moments }: Step, after: readonly Tensor[], { rate, epsilon }: ReturnType<typeof pace>): Tensor[] {
    const found = after.map((adjoint, at) =>
      scoped(tf, () => {
        const root = moments[at].second.add(TINY).sqrt();
        const under = root.add(epsilon);
        const x = adjoint.mul(-rate).div(under);
        const y = x.mul(moments[at].first).div(under.mul(root));
        const first = this.#first[at] ? this.#first[at].mul(BETA1).add(x) : x;
        const second = this.#second[at] ? this.#second[at].mul(BETA2).sub(y) : y.neg();
        const direction = first.add(second.mul(way.gradients[at]));
        return { value: { first, second, direction }, keep: [first, second, direction] };
      }),
    );
    this.dispose(tf);
    [this.#first, this.#second] = [found.map(({ first }) => first), found.map(({ second }) => second)];
    return found.map(({ direction }) => direction);
  }

  dispose(tf: Tf): void {
    tf.dispose([...this.#first, ...this.#second]);
  }
}

/** All parameters of a step but the head, and the columns of the first genes of it. */
function firstColumns(tf: Tf, parameters: Parameters, columns: number): Tensor[] {
  return [...parameters.slice(0, -1), tf.slice(parameters.at(-1) as Tensor2D, [0, 0], [-1, columns])];
}

/** Mean loss of the first genes on some spots, and its gradient by all parameters. */
export function judge(tf: Tf, parameters: Parameters, { x, targets }: SpotBatch): { readonly loss: number; readonly gradients: Tensor[] } {
  const count = targets.norm.size;
  return scoped(tf, () => {
    const own = firstColumns(tf, parameters, count);
    const pass = forward(tf, own, x, targets);
    const { gradients } = backward(tf, own, pass, tf.onesLike(targets.norm).div(count));
    const genes = parameters.at(-1)!.shape[1]!;
    gradients.push(
      tf.pad(gradients.pop() as Tensor2D, [
        [0, 0],
        [0, genes - count],
      ]),
    );
    return { value: { loss: 1 - pass.score.r.mean().dataSync()[0], gradients }, keep: gradients };
  });
}

/** There and back on a train batch, with what of it is needed later. */
function through(tf: Tf, parameters: Parameters, { x, targets }: SpotBatch, weights: Tensor1D): { readonly pass: Pass; readonly way: Way } {
  return scoped(tf, () => {
    const pass = forward(tf, parameters, x, targets);
    const way = backward(tf, parameters, pass, weights);
    const { predicted, norm, under, r } = pass.score;
    const keep = [...pass.layers, pass.centred, predicted, norm, under, r, ...way.gradients, way.output, ...way.deltas];
    return { value: { pass, way }, keep };
  });
}

/**
 * Takes some steps on a train batch from the given parameters (which stay as they are), and says how the validation loss of the first genes
 * after them (as many as `validation` has targets) follows each gene's weight in the train loss sum_j weights_j (1 - r_j): the gradient
 * through the unrolled steps, written out (the normaliser of the weights counts as fixed). Holds, for each step, three (sgd: one) copies of
 * the parameters, their gradient, and four blocks of spots x genes.
 */
export function lookAhead(
  tf: Tf,
  start: Parameters,
  { train, validation, weights }: { readonly train: SpotBatch; readonly validation: SpotBatch; readonly weights: Tensor1D },
  inner: InnerSteps,
): { readonly loss: number; readonly slopes: Float32Array } {
  const { steps: count, rule } = inner;
  return scoped(tf, () => {
    const steps: Step[] = [];
    let parameters: Parameters = start;
    for (let t = 1; t <= count; t++) {
      const { pass, way } = through(tf, parameters, train, weights);
      const moments = rule === 'adam' ? nextMoments(tf, way.gradients, steps.at(-1)?.moments) : [];
      const step = { parameters, pass, way, moments };
      steps.push(step);
      parameters = move(tf, step, t, inner);
    }
    const { loss, gradients } = judge(tf, parameters, validation);
    if (count > 0) tf.dispose(parameters as Tensor[]);
    return { value: { loss, slopes: wayBack(tf, { steps, gradients, weights }, inner) } };
  });
}

function wayBack(
  tf: Tf,
  { steps, gradients, weights }: { readonly steps: readonly Step[]; readonly gradients: readonly Tensor[]; readonly weights: Tensor1D },
  inner: InnerSteps,
): Float32Array {
  const adam = new AdamBack();
  let adjoint = [...gradients];
  const slopes = new Float32Array(weights.size);
  for (let t = steps.length; t > 0; t--) {
    const step = steps[t - 1];
    const direction =
      inner.rule === 'adam' ? adam.step(tf, step, adjoint, pace(t, inner.rate)) : mapped(tf, adjoint, (a) => a.mul(-inner.rate));
    const next = scoped(tf, () => {
      const { lossRate, product } = curvature(tf, step.parameters, { ...step, weights }, direction, { isRateOnly: t === 1 });
      lossRate.dataSync().forEach((rate, j) => (slopes[j] += rate));
      const value = product.map((p, at) => p.add(adjoint[at]));
      return { value, keep: value };
    });
    tf.dispose([...adjoint, ...direction]);
    adjoint = next;
    if (t > 1) tf.dispose(step.parameters as Tensor[]);
    tf.dispose([step.way.gradients, step.way.output, step.moments.flatMap(({ first, second }) => [first, second])]);
  }
  adam.dispose(tf);
  return slopes;
}
