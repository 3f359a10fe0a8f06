/** What a reference list needs of a work. */
interface Work {
  readonly key: string;
  readonly authors: string;
  readonly title: string;
  readonly in: string;
  readonly year: number;
}

/** Works that built-in steps cite, by DOI or arXiv id. */
const WORKS: Readonly<Record<string, Work>> = {
  '10.1016/j.cell.2019.05.031': {
    key: 'stuart2019seurat',
    authors: 'Stuart, Tim and Butler, Andrew and Hoffman, Paul and others',
    title: 'Comprehensive integration of single-cell data',
    in: 'Cell',
    year: 2019,
  },
  '10.1023/A:1010933404324': {
    key: 'breiman2001forests',
    authors: 'Breiman, Leo',
    title: 'Random forests',
    in: 'Machine Learning',
    year: 2001,
  },
  '10.1038/nbt.3192': {
    key: 'satija2015seurat',
    authors: 'Satija, Rahul and Farrell, Jeffrey A. and Gennert, David and Schier, Alexander F. and Regev, Aviv',
    title: 'Spatial reconstruction of single-cell gene expression data',
    in: 'Nature Biotechnology',
    year: 2015,
  },
  '10.1038/ncomms14049': {
    key: 'zheng2017cellranger',
    authors: 'Zheng, Grace X. Y. and Terry, Jessica M. and Belgrader, Phillip and others',
    title: 'Massively parallel digital transcriptional profiling of single cells',
    in: 'Nature Communications',
    year: 2017,
  },
  '10.1038/s41467-021-21453-4': {
    key: 'dumitrascu2021scgenefit',
    authors: 'Dumitrascu, Bianca and Villar, Soledad and Mixon, Dustin G. and Engelhardt, Barbara E.',
    title: 'Optimal marker gene selection for cell type discrimination in single cell analyses',
    in: 'Nature Communications',
    year: 2021,
  },
  '10.1038/s41592-024-02496-z': {
    key: 'kuemmerle2024spapros',
    authors: 'Kuemmerle, Louis B. and Luecken, Malte D. and Firsova, Alexandra B. and others',
    title: 'Probe set selection for targeted spatial transcriptomics',
    in: 'Nature Methods',
    year: 2024,
  },
  '10.1093/bib/bbab579': {
    key: 'dai2022cosg',
    authors: 'Dai, Min and Pei, Xiaobing and Wang, Xiu-Jie',
    title: 'Accurate and fast cell marker gene identification with COSG',
    in: 'Briefings in Bioinformatics',
    year: 2022,
  },
  '10.1186/s12859-022-04860-2': {
    key: 'nelson2022smash',
    authors: 'Nelson, M. E. and Riva, S. G. and Cvejic, A.',
    title: 'SMaSH: a scalable, general marker gene identification framework for single-cell RNA-sequencing',
    in: 'BMC Bioinformatics',
    year: 2022,
  },
  '10.1093/bioinformatics/btz333': {
    key: 'climente2019hsic',
    authors: 'Climente-González, Héctor and Azencott, Chloé-Agathe and Kaski, Samuel and Yamada, Makoto',
    title: 'Block HSIC Lasso: model-free biomarker detection for ultra-high dimensional data',
    in: 'Bioinformatics',
    year: 2019,
  },
  '10.1162/NECO_a_00537': {
    key: 'yamada2014hsic',
    authors: 'Yamada, Makoto and Jitkrittum, Wittawat and Sigal, Leonid and Xing, Eric P. and Sugiyama, Masashi',
    title: 'High-dimensional feature selection by feature-wise kernelized Lasso',
    in: 'Neural Computation',
    year: 2014,
  },
  '10.1093/biomet/34.1-2.28': {
    key: 'welch1947',
    authors: 'Welch, Bernard L.',
    title: "The generalization of ``Student's'' problem when several different population variances are involved",
    in: 'Biometrika',
    year: 1947,
  },
  '10.1186/s13059-017-1382-0': {
    key: 'wolf2018scanpy',
    authors: 'Wolf, F. Alexander and Angerer, Philipp and Theis, Fabian J.',
    title: 'SCANPY: large-scale single-cell gene expression data analysis',
    in: 'Genome Biology',
    year: 2018,
  },
  '10.1109/TIT.1967.1053964': {
    key: 'cover1967nearest',
    authors: 'Cover, Thomas and Hart, Peter',
    title: 'Nearest neighbor pattern classification',
    in: 'IEEE Transactions on Information Theory',
    year: 1967,
  },
  '10.1142/S0219720005001004': {
    key: 'ding2005mrmr',
    authors: 'Ding, Chris and Peng, Hanchuan',
    title: 'Minimum redundancy feature selection from microarray gene expression data',
    in: 'Journal of Bioinformatics and Computational Biology',
    year: 2005,
  },
  '10.1186/s12859-020-03641-z': {
    key: 'vargo2020rankcorr',
    authors: 'Vargo, Alexander H. S. and Gilbert, Anna C.',
    title: 'A rank-based marker selection method for high throughput scRNA-seq data',
    in: 'BMC Bioinformatics',
    year: 2020,
  },
  '10.2307/3001968': {
    key: 'wilcoxon1945',
    authors: 'Wilcoxon, Frank',
    title: 'Individual comparisons by ranking methods',
    in: 'Biometrics Bulletin',
    year: 1945,
  },
  '10.1023/A:1024068626366': {
    key: 'nadeau2003inference',
    authors: 'Nadeau, Claude and Bengio, Yoshua',
    title: 'Inference for the generalization error',
    in: 'Machine Learning',
    year: 2003,
  },
  '1802.03426': {
    key: 'mcinnes2018umap',
    authors: 'McInnes, Leland and Healy, John and Melville, James',
    title: 'UMAP: uniform manifold approximation and projection for dimension reduction',
    in: 'arXiv',
    year: 2018,
  },
  '1901.09346': {
    key: 'balin2019concrete',
    authors: 'Balin, Muhammed Fatih and Abid, Abubakar and Zou, James',
    title: 'Concrete autoencoders for differentiable feature selection and reconstruction',
    in: 'arXiv',
    year: 2019,
  },
  '1901.10517': {
    key: 'xie2019subsets',
    authors: 'Xie, Sang Michael and Ermon, Stefano',
    title: 'Reparameterizable subset sampling via continuous relaxations',
    in: 'arXiv',
    year: 2019,
  },
  '1903.08850': {
    key: 'grover2019neuralsort',
    authors: 'Grover, Aditya and Wang, Eric and Zweig, Aaron and Ermon, Stefano',
    title: 'Stochastic optimization of sorting networks via continuous relaxations',
    in: 'arXiv',
    year: 2019,
  },
  '1907.12207': {
    key: 'lemhadri2021lassonet',
    authors: 'Lemhadri, Ismael and Ruan, Feng and Abraham, Louis and Tibshirani, Robert',
    title: 'LassoNet: a neural network with feature sparsity',
    in: 'arXiv',
    year: 2019,
  },
  '1908.05376': {
    key: 'zhao2019mrmr',
    authors: 'Zhao, Zhenyu and Anand, Radhika and Wang, Mallory',
    title: 'Maximum relevance and minimum redundancy feature selection methods for a marketing machine learning platform',
    in: 'arXiv',
    year: 2019,
  },
  '2207.14106': {
    key: 'gregory2022markermap',
    authors: 'Gregory, Wilson and Sarwar, Nabeel and Kevrekidis, George and Villar, Soledad and Dumitrascu, Bianca',
    title: 'MarkerMap: nonlinear marker selection for single-cell studies',
    in: 'arXiv',
    year: 2022,
  },
  '2512.17678': {
    key: 'chopard2025yoto',
    authors: 'Chopard, Daphné and da Silva Gonçalves, Jorge and Cannistraci, Irene and Sutter, Thomas M. and Vogt, Julia E.',
    title: 'You Only Train Once: differentiable subset selection for omics data',
    in: 'arXiv',
    year: 2025,
  },
  '10.1038/s41467-023-37392-1': {
    key: 'covert2023persist',
    authors: 'Covert, Ian and Gala, Rohan and Wang, Tim and others',
    title: 'Predictive and robust gene selection for spatial transcriptomics',
    in: 'Nature Communications',
    year: 2023,
  },
};

/** An identifier without what people write before it: the DOI, the arXiv id, or the text itself. */
export const bareId = (cite: string): string => cite.replace(/^(doi|arxiv):/i, '').replace(/^10\.48550\/arxiv\./i, '');

export const isDoi = (id: string): boolean => /^10\.\d{4,9}\/\S+$/.test(id);
export const isArxiv = (id: string): boolean => /^\d{4}\.\d{4,5}(v\d+)?$/.test(id);

const keyOf = (id: string): string => WORKS[id]?.key ?? id.replaceAll(/[^\w]+/g, '_').replaceAll(/^_+|_+$/g, '');

function entry(id: string): string {
  const work = WORKS[id];
  const fields: [string, string | number][] = [
    ...(work
      ? (
          [
            ['author', work.authors],
            ['title', work.title],
            ['year', work.year],
          ] as const
        ).map(([k, v]): [string, string | number] => [k, v])
      : []),
    ...(work && work.in !== 'arXiv' ? ([['journal', work.in]] as [string, string][]) : []),
    ...(isDoi(id) ? ([['doi', id]] as [string, string][]) : []),
    ...(isArxiv(id)
      ? ([
          ['eprint', id],
          ['archiveprefix', 'arXiv'],
        ] as [string, string][])
      : []),
    ...(/^https?:/.test(id) ? ([['url', id]] as [string, string][]) : []),
  ];
  const kind = work && work.in !== 'arXiv' ? 'article' : 'misc';
  return `@${kind}{${keyOf(id)},\n${fields.map(([name, value]) => `  ${name} = {${value}}`).join(',\n')}\n}`;
}

/** The works as BibTeX, each once; of one that is not known here, its identifier alone. */
export const bibtex = (cites: readonly string[]): string =>
  [...new Set(cites.map(bareId))]
    .filter((id) => isDoi(id) || isArxiv(id) || /^https?:\/\//.test(id))
    .map(entry)
    .join('\n\n');

/** How a text cites them: \\cite{a,b}; nothing where there is nothing to cite. */
export const citeCommand = (cites: readonly string[]): string => {
  const ids = [...new Set(cites.map(bareId))].filter((id) => isDoi(id) || isArxiv(id) || /^https?:\/\//.test(id));
  return ids.length === 0 ? '' : `~\\cite{${ids.map(keyOf).join(',')}}`;
};
