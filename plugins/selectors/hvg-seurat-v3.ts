import { hvgSelector } from './_hvg.ts';

/** Variance of counts standardised by a LOESS trend over mean expression. */
export default hvgSelector({
  id: 'hvg-seurat-v3',
  flavor: 'seurat_v3',
  summary: 'Highly variable genes of scanpy flavor seurat_v3 (standardised variance, on raw counts)',
  cites: ['10.1016/j.cell.2019.05.031'],
});
