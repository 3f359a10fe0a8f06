import { hvgSelector } from './_hvg.ts';

/** Dispersion of log data, normalised within 20 bins of mean expression. */
export default hvgSelector({
  id: 'hvg-seurat',
  flavor: 'seurat',
  summary: 'Highly variable genes of scanpy flavor seurat (dispersion, on log data)',
  cites: ['10.1038/nbt.3192'],
});
