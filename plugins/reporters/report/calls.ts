import { denseBlock } from '../../../data/matrix.ts';
import { nearestNeighbours, vote } from '../../../stats/knn.ts';
import { mostProbable } from '../../../stats/metrics.ts';
import { Random } from '../../../stats/random.ts';
import type { Dataset } from '../../contract.ts';

/** Parts of the cells; each is called by the others. */
const FOLDS = 5;
const NEIGHBOURS = 5;
/** Cells that a call looks for neighbours among, at most. */
const MOST_REFERENCES = 8_000;

/**
 * The class of each of some cells as its five nearest neighbours on the panel's genes have it (-1: none), neighbours taken from the four
 * fifths of the labelled cells that it is not in.
 */
export async function callsOf(
  data: Dataset,
  codes: Int32Array,
  { genes, cells, classCount }: { genes: Uint32Array; cells: Uint32Array; classCount: number },
): Promise<Int32Array> {
  const random = Random.of(0, 'report', 'calls');
  const fold = Int32Array.from({ length: codes.length }, () => random.below(FOLDS));
  const known = random.permutation(codes.length).filter((i) => codes[i] >= 0);
  const called = new Int32Array(cells.length).fill(-1);
  for (let f = 0; f < FOLDS; f++) {
    const references = Uint32Array.from(known.filter((i) => fold[i] !== f).slice(0, MOST_REFERENCES)).sort();
    const asked = Array.from(cells.keys()).filter((at) => fold[cells[at]] === f);
    const count = Math.min(NEIGHBOURS, references.length);
    if (asked.length === 0 || count === 0) continue;
    const samples = (rows: Uint32Array): Parameters<typeof nearestNeighbours>[0] => ({
      block: denseBlock(data.X, rows, genes).data,
      rows: rows.length,
      features: genes.length,
    });
    const queries = samples(Uint32Array.from(asked, (at) => cells[at]));
    const nearest = await nearestNeighbours(samples(references), queries, { k: count });
    const own = Int32Array.from(references, (i) => codes[i]);
    mostProbable(vote(nearest, own, { k: count, classCount }), classCount).forEach((code, i) => (called[asked[i]] = code));
  }
  return called;
}
