import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import type { Tf } from './backend.ts';
import { throughSigmoid, withGradient } from './layers.ts';

/** Logits are parameters divided by these: of the gates, and of the rows that choose one gene each. */
export const GATE_SCALE = 1 / 2;
export const ROW_SCALE = 1 / 3;

/** Parameter of a gate that is open with a probability. */
export const gateParameter = (open: number): number => GATE_SCALE * Math.log(open / (1 - open));

/**
 * Binary concrete gates (Maddison et al. 2017, arXiv:1611.00712): sigmoid((logit + noise) / t), cells x genes, for parameters of the genes
 * and standard logistic noise (ln u - ln(1 - u), rows x genes). `cells` beyond the rows of the noise have it over again with the other sign
 * (less to draw, less variance). `penalty` is added to the gradient of each entry: that of a loss which holds `penalty` times the sum of
 * all gates.
 */
export function openGates(
  tf: Tf,
  parameters: Tensor,
  noise: Tensor2D,
  { t, penalty = 0, cells = noise.shape[0] }: { t: number; penalty?: number; cells?: number },
): Tensor2D {
  return withGradient(tf, [parameters], () => {
    const [rows, genes] = noise.shape;
    const shift = noise.div<Tensor2D>(t);
    const middle = parameters.div<Tensor>(GATE_SCALE * t);
    const rest = cells - rows;
    const mirrored = (): Tensor2D => middle.sub(rest === rows ? shift : shift.slice([rows - rest, 0], [rest, genes]));
    const value = (rest === 0 ? middle.add(shift) : tf.concat([middle.add<Tensor2D>(shift), mirrored()], 0)).sigmoid();
    const back = (dy: Tensor, [gates]: Tensor[]): Tensor[] => {
      const d = penalty === 0 ? dy : dy.add(penalty);
      return [
        throughSigmoid(tf, d, gates)
          .sum(0)
          .div(GATE_SCALE * t),
      ];
    };
    return { value, keep: [value], back };
  }) as Tensor2D;
}

/**
 * Mask of k concrete rows (Balin et al. 2019, arXiv:1901.09346): for each cell and row softmax((logit + g) / t) with Gumbel noise
 * g = -ln e, and of each gene the largest share over the rows; cells x genes. `parameters` are k x genes, `waits` (e) standard exponential
 * draws, k x cells x genes. The gradient flows into the row that has the largest share.
 */
export function widestRows(tf: Tf, parameters: Tensor, waits: Tensor, t: number): Tensor2D {
  const [k, cells, genes] = waits.shape as [number, number, number];
  return withGradient(tf, [parameters], () => {
    const shares = tf.softmax(
      parameters
        .div(ROW_SCALE * t)
        .reshape([k, 1, genes])
        .sub(waits.log().div(t)),
    );
    const value = shares.max(0);
    const back = (dy: Tensor, [all, most]: Tensor[]): Tensor[] => {
      const won = all.mul(all.equal(most).cast('float32').mul(dy));
      const spent = tf.matMul(won.sum(2).reshape<Tensor2D>([k, 1, cells]), all as Tensor2D).reshape([k, genes]);
      return [
        won
          .sum(1)
          .sub(spent)
          .div(ROW_SCALE * t),
      ];
    };
    return { value, keep: [shares, value], back };
  }) as Tensor2D;
}

/**
 * Hurdle loss: for each cell the sum over genes of weight * BCE(sigmoid(zero logit), "not expressed") + "expressed" * (x - mean)^2, and the
 * mean over cells. `outputs` are cells x 2 genes, the means first, then the zero logits; `x` (cells x genes) counts as not expressed where
 * it is not above 0.
 */
export function hurdleLoss(tf: Tf, outputs: Tensor2D, x: Tensor2D, weight = 10): Tensor {
  const [cells, genes] = x.shape;
  return withGradient(tf, [outputs], () => {
    const means = outputs.slice([0, 0], [cells, genes]);
    const logits = outputs.slice([0, genes], [cells, genes]);
    const isOn = x.greater(0).cast('float32');
    const error = means.sub(x).mul(isOn);
    // BCE of logit q and label 1 - on is softplus(q) - q (1 - on).
    const entropy = logits.softplus().sub(logits).add(logits.mul(isOn)).sum();
    const value = error.square().sum().add(entropy.mul(weight)).div<Tensor>(cells);
    const back = (dy: Tensor, [miss, q, on]: Tensor[]): Tensor[] => {
      const zero = q
        .sigmoid()
        .sub(1)
        .add(on)
        .mul(weight / cells);
      return [tf.concat([miss.mul(2 / cells), zero], 1).mul(dy)];
    };
    return { value, keep: [error, logits, isOn], back };
  });
}

/** One trial of a penalty: how many genes were left. */
export interface Trial {
  readonly penalty: number;
  readonly genes: number;
}

/** Least slope of 1 / (1 + genes) over the penalty. */
const LEAST_SLOPE = 1e-6;

/**
 * Where a secant in y = 1 / (1 + genes) meets the target; its slope weighs earlier trials by how near they are. `trials` start with penalty
 * 0 and all genes; the last is the newest.
 */
export function secant(trials: readonly Trial[], target: number): number {
  const inverse = (genes: number): number => 1 / (1 + genes);
  const last = trials.at(-1)!;
  const y = inverse(last.genes);
  let [rise, run] = [0, 0];
  for (const { penalty, genes } of trials.slice(0, -1)) {
    const dx = penalty - last.penalty;
    rise += Math.sign(dx) * (inverse(genes) - y);
    run += Math.abs(dx);
  }
  const slope = Math.max(LEAST_SLOPE, run > 0 ? rise / run : 0);
  return last.penalty + (inverse(target) - y) / slope;
}

/** The penalty to try next: that of `secant`, at most a factor of ten away from the last. */
export function nextPenalty(trials: readonly Trial[], target: number): number {
  const { penalty } = trials.at(-1)!;
  return Math.min(10 * penalty, Math.max(0.1 * penalty, secant(trials, target)));
}
