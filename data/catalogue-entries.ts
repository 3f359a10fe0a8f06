/** What is known of a public dataset. */
export interface CatalogueEntry {
  readonly name: string;
  readonly title: string;
  readonly citation: string;
  readonly licence: string;
  /** File name in a mirror or a download folder; undefined for what is made on the spot. */
  readonly file?: string;
  /** Where the study keeps its data. */
  readonly source: string;
  /** Where the file itself can be fetched; undefined where nobody serves it in this form. */
  readonly url?: string;
  readonly sha256?: string;
  readonly cells: number;
  readonly genes: number;
  /** obs columns that can be tasks. */
  readonly labels: readonly string[];
}

/** The datasets known by name. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    name: 'simulated',
    title: 'Simulated atlas with known markers',
    citation: 'made by panelflow',
    licence: 'Apache-2.0',
    source: 'reader/simulated',
    cells: 1500,
    genes: 1200,
    labels: ['cell_type', 'cell_subtype', 'batch', 'condition', 'age_days'],
  },
  {
    name: 'zeisel',
    title: 'Mouse cortex and hippocampus',
    citation: 'Zeisel et al., Science 347:1138 (2015), doi:10.1126/science.aaa1934',
    licence: 'public (Linnarsson lab release, GEO GSE60361)',
    file: 'zeisel.h5ad',
    source: 'https://www.ncbi.nlm.nih.gov/geo/query/acc.cgi?acc=GSE60361',
    sha256: 'd722c20943c165d91a3ac74596659d9c5eb3c82b3ecd01a4047f1fcce01cde5b',
    cells: 3005,
    genes: 4000,
    labels: ['cell_class', 'cell_subclass', 'tissue', 'sex', 'age_days'],
  },
  {
    name: 'pbmc3k',
    title: '3k peripheral blood cells',
    citation: 'Zheng et al., Nat Commun 8:14049 (2017), doi:10.1038/ncomms14049; 10x Genomics',
    licence: 'CC BY 4.0 (10x Genomics)',
    file: 'pbmc3k.h5ad',
    source: 'https://www.10xgenomics.com/datasets/3-k-pbm-cs-from-a-healthy-donor-1-standard-1-1-0',
    sha256: '9eb646032f57e5ef9845c44f9fef38b8727b356d39ef4040c08c2273f130b63d',
    cells: 2700,
    genes: 16634,
    labels: ['celltype'],
  },
  {
    name: 'pbmc68k-reduced',
    title: '700 peripheral blood cells, log-normalised',
    citation: 'Zheng et al., Nat Commun 8:14049 (2017), doi:10.1038/ncomms14049; scanpy pbmc68k_reduced',
    licence: 'BSD-3-Clause (scanpy); 10x Genomics',
    file: 'pbmc68k_reduced_lognorm.h5ad',
    source: 'https://github.com/scverse/scanpy',
    sha256: 'de18bac8e6d236460e9a5e1be896e56c72919f3e25b1fa79170cf4184cfe6d22',
    cells: 700,
    genes: 765,
    labels: ['bulk_labels'],
  },
  {
    name: 'pbmc68k-scanpy',
    title: '700 peripheral blood cells as scanpy ships them: scaled X, log-normalised values in raw (read with layer: raw)',
    citation: 'Zheng et al., Nat Commun 8:14049 (2017), doi:10.1038/ncomms14049; scanpy pbmc68k_reduced',
    licence: 'BSD-3-Clause (scanpy); 10x Genomics',
    file: '10x_pbmc68k_reduced.h5ad',
    source: 'https://github.com/scverse/scanpy',
    url: 'https://raw.githubusercontent.com/scverse/scanpy/fabadb9412c0d1cd9df9d9c2e95ac266d564ee18/src/scanpy/datasets/10x_pbmc68k_reduced.h5ad',
    sha256: '863e19914ab2d4ba97edc9623ac3a343c0461f1e40b121bfb5fa92638b22e9bd',
    cells: 700,
    genes: 765,
    labels: ['bulk_labels', 'louvain', 'phase'],
  },
  {
    name: 'pbmc3k-spapros',
    title: '3k peripheral blood cells, 2,000 genes, counts, with groupings of clusters as labels',
    citation: 'Zheng et al., Nat Commun 8:14049 (2017), doi:10.1038/ncomms14049; spapros example data',
    licence: 'MIT (spapros); 10x Genomics',
    file: 'small_data_raw_counts.h5ad',
    source: 'https://github.com/theislab/spapros',
    url: 'https://raw.githubusercontent.com/theislab/spapros/88f18b0291f4e98482a3022edc270ed9644c37d9/data/small_data_raw_counts.h5ad',
    sha256: '4f52d70fe45ca47e16fcb21b6cf82bffad93d02500efae8cbf233978af758613',
    cells: 2700,
    genes: 2000,
    labels: ['celltype', 'tissue', 'leiden'],
  },
  {
    name: 'paul15',
    title: 'Mouse myeloid progenitors, 240 genes',
    citation: 'Paul et al., Cell 163:1663 (2015), doi:10.1016/j.cell.2015.11.013',
    licence: 'public (GEO GSE72857)',
    file: 'paul15_240genes.h5ad',
    source: 'https://www.ncbi.nlm.nih.gov/geo/query/acc.cgi?acc=GSE72857',
    sha256: '920f0403b713e7b06cf7e832f2018ed9a9bd8e65faa89d0fdc5f88544d258cf2',
    cells: 2660,
    genes: 240,
    labels: ['celltype'],
  },
  {
    name: 'kang',
    title: 'Blood cells with and without interferon beta',
    citation: 'Kang et al., Nat Biotechnol 36:89 (2018), doi:10.1038/nbt.4042',
    licence: 'public (GEO GSE96583)',
    file: 'kang_ifnb_multitask.h5ad',
    source: 'https://www.ncbi.nlm.nih.gov/geo/query/acc.cgi?acc=GSE96583',
    sha256: '7b3056eaec3b850845991312c491b0a3a7c76a95d77372e4a6cc52e02b335bc7',
    cells: 1556,
    genes: 1267,
    labels: ['cluster_id', 'group_id', 'sample_id', 'patient'],
  },
  {
    name: 'glioblastoma',
    title: 'Glioblastoma slices with and without panobinostat',
    citation: 'Zhao et al., Genome Med 13:82 (2021)',
    licence: 'MIT (package lemur); data of the study',
    file: 'gbm_panobinostat_multitask.h5ad',
    source: 'https://github.com/bioc/lemur',
    sha256: 'e5f3d2da81f9ea1e53442dbc6f218e5c2ff9bc6ba3a95f350fa5880cb1ba7a58',
    cells: 5000,
    genes: 300,
    labels: ['patient_id', 'condition', 'location', 'gender', 'sample_id'],
  },
  {
    name: 'her2st',
    title: 'HER2-positive breast tumours, spatial',
    citation: 'Andersson et al., Nat Commun 12:6012 (2021), doi:10.1038/s41467-021-26271-2',
    licence: 'see Zenodo 4751624',
    file: 'her2st_labelled_ABCD.h5ad',
    source: 'https://github.com/almaan/her2st',
    sha256: 'd5bfd13a85bf64143a0551352db8420aa669f956baba95d65b1f5dd781f2fcb1',
    cells: 1123,
    genes: 14629,
    labels: ['pathologist', 'patient', 'section', 'expr_cluster'],
  },
];
