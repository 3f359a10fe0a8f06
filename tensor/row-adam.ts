/** What a `RowAdam` saves. */
export type RowAdamState = {
  readonly step: number;
  readonly values: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly seen: Uint32Array;
};

export interface RowAdamOptions {
  readonly width: number;
  readonly rate: number;
  /** What the rate is multiplied by at a step (from 1). */
  readonly schedule?: (step: number) => number;
}

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;
/** After so many steps without a gradient nothing of the momentum is left. */
const FADED = 120;

/**
 * A matrix of parameters on the host of which each step has gradients for some rows only, moved by Adam (Kingma and Ba 2015,
 * arXiv:1412.6980). A row without a gradient still coasts on its momentum; it is brought up to date, in one go, when it is next read:
 * over i steps m and v shrink by beta1^i and beta2^i, so the way it coasts is a geometric sum. Thus a step costs the rows that it touches,
 * however many there are, and gives what Adam over the whole matrix gives (epsilon aside, which fades with v here).
 */
export class RowAdam {
  readonly width: number;
  /** rows x width, row-major. */
  readonly #values: Float32Array;
  readonly #rate: number;
  readonly #schedule: (step: number) => number;
  readonly #first: Float32Array;
  readonly #second: Float32Array;
  /** The step up to which each row is current. */
  readonly #seen: Uint32Array;
  #step = 0;

  /** Takes over the initial values. */
  constructor(initial: Float32Array, { width, rate, schedule = () => 1 }: RowAdamOptions) {
    this.#values = initial;
    this.width = width;
    this.#rate = rate;
    this.#schedule = schedule;
    this.#first = new Float32Array(initial.length);
    this.#second = new Float32Array(initial.length);
    this.#seen = new Uint32Array(initial.length / width);
  }

  /** What a step multiplies m / sqrt(v) by. */
  #pace(step: number): number {
    return (this.#rate * this.#schedule(step) * Math.sqrt(1 - BETA2 ** step)) / (1 - BETA1 ** step);
  }

  /** Lets a row coast to the present step. */
  #catchUp(row: number): void {
    const from = this.#seen[row];
    const steps = this.#step - from;
    if (steps === 0) return;
    this.#seen[row] = this.#step;
    let way = 0;
    for (let i = 1; i <= Math.min(steps, FADED); i++) way += this.#pace(from + i) * (BETA1 / Math.sqrt(BETA2)) ** i;
    const [shrink1, shrink2] = [BETA1 ** steps, BETA2 ** steps];
    const [values, first, second] = [this.#values, this.#first, this.#second];
    for (let at = row * this.width; at < (row + 1) * this.width; at++) {
      values[at] -= (way * first[at]) / (Math.sqrt(second[at]) + EPSILON);
      first[at] *= shrink1;
      second[at] *= shrink2;
    }
  }

  /** Current values of some rows, one after the other. */
  take(rows: Uint32Array): Float32Array {
    const { width } = this;
    const out = new Float32Array(rows.length * width);
    for (let r = 0; r < rows.length; r++) {
      this.#catchUp(rows[r]);
      const from = rows[r] * width;
      for (let c = 0; c < width; c++) out[r * width + c] = this.#values[from + c];
    }
    return out;
  }

  /** Gives all rows other values (a proximal step); their moments stay. */
  assign(values: Float32Array): void {
    this.#values.set(values);
  }

  /** One step, in which some rows have gradients (rows.length x width). */
  apply(rows: Uint32Array, gradient: ArrayLike<number>): void {
    for (let r = 0; r < rows.length; r++) this.#catchUp(rows[r]);
    this.#step++;
    const { width } = this;
    const [values, first, second] = [this.#values, this.#first, this.#second];
    const pace = this.#pace(this.#step);
    const epsilon = EPSILON * Math.sqrt(1 - BETA2 ** this.#step);
    for (let r = 0; r < rows.length; r++) {
      this.#seen[rows[r]] = this.#step;
      const from = rows[r] * width;
      for (let c = 0; c < width; c++) {
        const g = gradient[r * width + c];
        const at = from + c;
        const m = (first[at] = BETA1 * first[at] + (1 - BETA1) * g);
        const v = (second[at] = BETA2 * second[at] + (1 - BETA2) * g * g);
        values[at] -= (pace * m) / (Math.sqrt(v) + epsilon);
      }
    }
  }

  state(): RowAdamState {
    const copies = { values: this.#values.slice(), first: this.#first.slice(), second: this.#second.slice() };
    return { step: this.#step, ...copies, seen: this.#seen.slice() };
  }

  restore({ step, values, first, second, seen }: RowAdamState): void {
    this.#step = step;
    this.#values.set(values);
    this.#first.set(first);
    this.#second.set(second);
    this.#seen.set(seen);
  }
}
