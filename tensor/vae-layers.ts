import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Random } from '../stats/random.ts';
import type { Tf } from './backend.ts';
import { Block, blockInit, dense, denseInit, withGradient } from './layers.ts';
import { foldBlock, type NetworkLayer, takeInputs } from './network.ts';

/** One layer of a chain: linear with batch norm ('block') or with a bias ('dense'), then a leaky ReLU when there is a slope. */
export type Link = readonly [kind: 'block' | 'dense', inputs: number, outputs: number, slope?: number];

type Moments = ReturnType<Block['state']>;

/** Layers one after the other; their parameters stand in a list that they share with other chains. */
export class Chain {
  /** Place of the first layer's weights in the list of parameters. */
  readonly first: number;
  readonly #tf: Tf;
  readonly #links: { readonly link: Link; readonly at: number; readonly block?: Block }[] = [];

  /** Appends the initial parameters to `into`. */
  constructor(tf: Tf, random: Random, into: Tensor[], links: readonly Link[]) {
    this.#tf = tf;
    this.first = into.length;
    for (const link of links) {
      const [kind, inputs, outputs] = link;
      this.#links.push(kind === 'block' ? { link, at: into.length, block: new Block(tf, outputs) } : { link, at: into.length });
      into.push(...(kind === 'block' ? blockInit(tf, random, [inputs, outputs]) : denseInit(tf, random, [inputs, outputs])));
    }
  }

  /** With the batch's own moments; `isData`: no gradient flows into x. `weights` stand in for the first layer's. */
  train(x: Tensor2D, params: readonly Tensor[], { isData = false, weights }: { isData?: boolean; weights?: Tensor } = {}): Tensor2D {
    return this.#links.reduce((h, { link: [, , , slope], at, block }, i) => {
      const own = i === 0 && weights ? [weights, ...params.slice(at + 1, at + 3)] : params.slice(at, at + 3);
      const options = { slope, isData: isData && i === 0 };
      return block ? block.train(h, own, options) : dense(this.#tf, h, own, options);
    }, x);
  }

  /** With the running moments. */
  infer(x: Tensor2D, params: readonly Tensor[], weights?: Tensor): Tensor2D {
    return this.#links.reduce((h, { link: [, , , slope], at, block }, i) => {
      const own = i === 0 && weights ? [weights, ...params.slice(at + 1, at + 3)] : params.slice(at, at + 3);
      return block ? block.infer(h, own, { slope }) : dense(this.#tf, h, own, { slope });
    }, x);
  }

  /** The layers as plain data; `rows` of the first layer's weights only, in that order. */
  fold(values: (at: number) => Float32Array, rows?: Uint32Array): NetworkLayer[] {
    return this.#links.map(({ link: [, inputs, outputs, slope = null], at, block }, i) => {
      const isCut = i === 0 && rows !== undefined;
      const weights = isCut ? takeInputs(values(at), outputs, rows) : values(at);
      if (!block) return { inputs: isCut ? rows.length : inputs, outputs, weights, bias: values(at + 1), slope };
      return foldBlock(weights, { scale: values(at + 1), shift: values(at + 2), mean: block.mean, variance: block.variance }, slope);
    });
  }

  state(): Moments[] {
    return this.#links.flatMap(({ block }) => (block ? [block.state()] : []));
  }

  restore(saved: readonly Moments[]): void {
    this.#links.flatMap(({ block }) => block ?? []).forEach((block, i) => block.restore(saved[i]));
  }
}

/** Weights (genes x outputs) with each row times its gene's share of the mask. */
export function maskRows(tf: Tf, weights: Tensor2D, mask: Tensor1D): Tensor2D {
  return withGradient(tf, [weights, mask], () => {
    const column = mask.reshape([-1, 1]);
    const back = (dy: Tensor, [w, m]: Tensor[]): Tensor[] => [dy.mul(m), dy.mul(w).sum(1)];
    return { value: weights.mul(column), keep: [weights, column], back };
  }) as Tensor2D;
}

/** mean + noise e^(logvar / 2), with the noise given. */
export function sampleLatent(tf: Tf, [mean, logvar]: readonly Tensor2D[], noise: Tensor2D): Tensor2D {
  return withGradient(tf, [mean, logvar], () => {
    const spread = logvar.mul(0.5).exp().mul(noise);
    return { value: mean.add(spread), keep: [spread], back: (dy, [s]) => [dy, dy.mul(s).mul(0.5)] };
  }) as Tensor2D;
}

/** Sum over cells and dimensions of the divergence of N(mean, e^logvar) from N(0, 1) (Kingma and Welling 2014, appendix B). */
export function divergence(tf: Tf, [mean, logvar]: readonly Tensor2D[]): Scalar {
  return withGradient(tf, [mean, logvar], () => {
    const variance = logvar.exp();
    const value = mean.square().add(variance).sub(logvar).sub(1).sum().mul(0.5);
    return { value, keep: [mean, variance], back: (dy, [m, v]) => [dy.mul(m), v.sub(1).mul(dy.mul(0.5))] };
  }) as Scalar;
}

/** Sum over cells and genes of -ln N(x; mean, e^logvar). */
export function gaussianLoss(tf: Tf, x: Tensor2D, [mean, logvar]: readonly Tensor2D[]): Scalar {
  return withGradient(tf, [mean, logvar], () => {
    const precision = logvar.neg().exp();
    const off = mean.sub(x);
    const weighted = off.mul(precision);
    const twice = off.mul(weighted);
    const value = twice
      .add(logvar)
      .sum()
      .add(x.size * Math.log(2 * Math.PI))
      .mul(0.5);
    const back = (dy: Tensor, [w, t]: Tensor[]): Tensor[] => [w.mul(dy), t.sub(1).mul(dy.mul(-0.5))];
    return { value, keep: [weighted, twice], back };
  }) as Scalar;
}

/** Half the sum over cells and genes of (x - mean)^2. */
export function squaredLoss(tf: Tf, x: Tensor2D, mean: Tensor2D): Scalar {
  return withGradient(tf, [mean], () => {
    const off = mean.sub(x);
    return { value: off.square().sum().mul(0.5), keep: [off], back: (dy, [o]) => [o.mul(dy)] };
  }) as Scalar;
}
