/** True and predicted classes of some cells, and the probability of each class. */
export interface Judged {
  readonly truth: ArrayLike<number>;
  readonly predicted: ArrayLike<number>;
  /** cells x classes, row-major; null where there are none. */
  readonly probabilities: ArrayLike<number> | null;
  readonly classCount: number;
}

/** Counts, true class x predicted class, row-major. */
export function confusion({ truth, predicted, classCount }: Omit<Judged, 'probabilities'>): Uint32Array {
  const counts = new Uint32Array(classCount * classCount);
  for (let i = 0; i < truth.length; i++) counts[truth[i] * classCount + predicted[i]]++;
  return counts;
}

/** The most probable class of each row; ties go to the lowest class. */
export function mostProbable(probabilities: ArrayLike<number>, classCount: number): Int32Array {
  const out = new Int32Array(probabilities.length / classCount);
  for (let i = 0; i < out.length; i++) {
    let best = 0;
    for (let c = 1; c < classCount; c++) if (probabilities[i * classCount + c] > probabilities[i * classCount + best]) best = c;
    out[i] = best;
  }
  return out;
}

interface Curve {
  readonly auroc: number;
  readonly auprc: number;
}

/** Area under the ROC curve and average precision of one class against the rest; tied scores enter together. */
export function curves(isPositive: ArrayLike<number>, score: ArrayLike<number>): Curve {
  const n = score.length;
  const order = Uint32Array.from({ length: n }, (_, i) => i).sort((a, b) => score[b] - score[a]);
  let positives = 0;
  for (let i = 0; i < n; i++) positives += isPositive[i] ? 1 : 0;
  let tp = 0;
  let fp = 0;
  let area = 0;
  let precision = 0;
  for (let i = 0; i < n;) {
    const [tp0, fp0, value] = [tp, fp, score[order[i]]];
    for (; i < n && score[order[i]] === value; i++) {
      if (isPositive[order[i]]) tp++;
      else fp++;
    }
    area += ((fp - fp0) * (tp + tp0)) / 2;
    precision += ((tp - tp0) / positives) * (tp / (tp + fp));
  }
  return { auroc: area / (positives * (n - positives)), auprc: precision };
}

function oneAgainstRest({ truth, classCount }: Judged, probabilities: ArrayLike<number>, c: number): Curve {
  const n = truth.length;
  const isPositive = Uint8Array.from({ length: n }, (_, i) => Number(truth[i] === c));
  return curves(
    isPositive,
    Float64Array.from({ length: n }, (_, i) => probabilities[i * classCount + c]),
  );
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/**
 * The six classification metrics, as scikit-learn computes them: zero_division 0; F1 over the classes that are true or predicted
 * somewhere; balanced accuracy, AUROC and AUPRC (one against the rest, macro) over the classes that the cells judged really hold. Without
 * probabilities the first four.
 */
export function classificationMetrics(judged: Judged): Record<string, number> {
  const { truth, probabilities, classCount } = judged;
  const n = truth.length;
  const counts = confusion(judged);
  const f1: number[] = [];
  const recall: number[] = [];
  const areas: Curve[] = [];
  let correct = 0;
  let weighted = 0;
  for (let c = 0; c < classCount; c++) {
    const hit = counts[c * classCount + c];
    let support = 0;
    let called = 0;
    for (let o = 0; o < classCount; o++) {
      support += counts[c * classCount + o];
      called += counts[o * classCount + c];
    }
    correct += hit;
    if (support + called === 0) continue;
    const score = (2 * hit) / (support + called);
    f1.push(score);
    weighted += (score * support) / n;
    if (support === 0) continue;
    recall.push(hit / support);
    if (support === n || probabilities === null) continue;
    areas.push(oneAgainstRest(judged, probabilities, c));
  }
  return {
    accuracy: correct / n,
    balanced_accuracy: mean(recall),
    f1_weighted: weighted,
    f1_macro: mean(f1),
    ...(probabilities === null ? {} : { auroc_macro: mean(areas.map((a) => a.auroc)), auprc_macro: mean(areas.map((a) => a.auprc)) }),
  };
}
