/** Real human mitochondrial genes: what names start with MT-. */
export const MITOCHONDRIAL = ['MT-ND1', 'MT-ND2', 'MT-CO1', 'MT-CO2', 'MT-ATP8', 'MT-ATP6', 'MT-CO3', 'MT-ND3', 'MT-ND4L', 'MT-ND4', 'MT-ND5', 'MT-ND6', 'MT-CYB'] as const;

/** Stems of gene families, so that invented genes read like real ones. */
const STEMS = ['ABCA', 'ACSL', 'ADAM', 'AKAP', 'ANXA', 'ARHG', 'ATPA', 'BCL', 'CACN', 'CALM', 'CAPN', 'CCDC', 'CDK', 'CHD', 'CLDN', 'COLX', 'CTSD', 'CXCR', 'DDX', 'DNAJ', 'DUSP', 'EIFA', 'EPHB', 'FBXO', 'FGFR', 'FOXP', 'GABR', 'GATA', 'GPRC', 'GRIN', 'HDAC', 'HOXC', 'IGFB', 'ILRA', 'ITGB', 'KCNJ', 'KIFC', 'KLHL', 'LAMB', 'LRRC', 'MAPK', 'MYOD', 'NCAM', 'NFKB', 'NOTC', 'NRXN', 'OLIG', 'PAXB', 'PCDH', 'PDEA', 'PLCB', 'PRKC', 'PTPN', 'RABG', 'RASD', 'RGSL', 'RNF', 'SCNA', 'SEMA', 'SLCO', 'SOXB', 'STAT', 'SYTL', 'TBXT', 'TCFL', 'TGFB', 'TLRB', 'TNFR', 'TRIM', 'TUBB', 'UBEA', 'USPX', 'VAMP', 'WNTB', 'ZFPM', 'ZNFX'] as const;

/** `n` different gene names: the mitochondrial ones last, the others stem and number. */
export function geneNames(n: number): string[] {
  const mt = Math.min(MITOCHONDRIAL.length, Math.floor(n / 20));
  const names: string[] = [];
  for (let i = 0; names.length < n - mt; i++) names.push(`${STEMS[i % STEMS.length]}${Math.floor(i / STEMS.length) + 1}`);
  return [...names, ...MITOCHONDRIAL.slice(0, mt)];
}
