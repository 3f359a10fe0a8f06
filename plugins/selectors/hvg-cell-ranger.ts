import { hvgSelector } from './_hvg.ts';

/** Dispersion of log data, normalised by median and MAD within bins of mean expression. */
export default hvgSelector({
  id: 'hvg-cell-ranger',
  flavor: 'cell_ranger',
  summary: 'Highly variable genes of scanpy flavor cell_ranger (dispersion, on log data)',
  cites: ['10.1038/ncomms14049'],
});
