import { DataError } from '../core/errors.ts';

/** Names that look like genes: Ensembl ids, mitochondrial and ribosomal genes, a few genes that nearly every dataset has. */
const GENE =
  /^(ENS[A-Z]*G\d{6,}|MT-[A-Z0-9]+|RP[LS]\d+[A-Z]?\d*|gene[_-]?\d+|ACTB|GAPDH|MALAT1|B2M|CD\d+[A-Z]?|FTH1|FTL|TMSB4X|TMSB10|EEF1A1|TUBA1[ABC]|HSP[A-Z0-9]+|NDUF[A-Z0-9]+|COX\d[A-Z0-9]*|SLC\d+A\d+|ZNF\d+|KRT\d+|COL\d+A\d+|S100[A-Z]\d*|HLA-[A-Z0-9]+|LINC\d+|TMEM\d+|FAM\d+[A-Z]\d*)$/i;
/** Names that look like cells or spots: barcodes, plates, coordinates. */
const CELL = /^([ACGT]{8,}([-_.].*)?|.*[_.-][ACGT]{8,}([-_.]\d+)?|cell[_-]?\d+|spot[_-]?\d+|\d+x\d+|\d+)$/;

/** True when the rows of a table are cells: as told, by the names of a label file, else by how the names look; an error when neither way is clear. */
export function cellsAreRows(
  rows: readonly string[],
  columns: readonly string[],
  options: { orientation?: 'auto' | 'cells-by-genes' | 'genes-by-cells'; cellNames?: ReadonlySet<string>; file: string },
): boolean {
  const { orientation = 'auto', cellNames } = options;
  if (orientation !== 'auto') return orientation === 'cells-by-genes';
  if (cellNames) {
    const [inRows, inColumns] = [share(rows, (n) => cellNames.has(n)), share(columns, (n) => cellNames.has(n))];
    if (inRows !== inColumns) return inRows > inColumns;
  }
  const likeGenes = (names: readonly string[]): number => share(names, (n) => GENE.test(n)) - share(names, (n) => CELL.test(n));
  const difference = likeGenes(columns) - likeGenes(rows);
  if (Math.abs(difference) >= 0.02) return difference > 0;
  throw new DataError('Neither the rows nor the columns of the table have names that look like genes', {
    context: { file: options.file, first_row: rows[0] ?? '', first_column: columns[0] ?? '' },
    mend: 'Say which way it lies with `orientation`: cells-by-genes or genes-by-cells.',
  });
}

function share(names: readonly string[], like: (name: string) => boolean): number {
  let n = 0;
  for (const name of names) if (like(name)) n++;
  return names.length === 0 ? 0 : n / names.length;
}
