import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Someone who runs n cells that echo their number: in an empty folder, and again when all is done. */
export interface Contestant {
  readonly name: string;
  readonly version: string;
  readonly env: Readonly<Record<string, string>>;
  /** Writes what it runs. */
  prepare(folder: string, cells: number): void;
  command(isAgain: boolean): readonly string[];
  /** How many cells a run computed, as its traces tell. */
  computed(folder: string, log: string): number;
  /** A server that goes on after a run, by its process id. */
  server(folder: string): number | undefined;
  end(folder: string): void;
}

const CLI = fileURLToPath(new URL('../cli/main.js', import.meta.url));
const PLUGIN = fileURLToPath(new URL('_engine-plugin.js', import.meta.url));
const { version: OURS } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

/** The address of the server of a folder where panelflow ran. */
export const serverOf = (folder: string): { pid: number; address: string } =>
  JSON.parse(readFileSync(join(folder, '.panelflow/temporal/server.json'), 'utf8')) as { pid: number; address: string };

function panelflow(name: string, step: string): Contestant {
  const env = { TEMPORAL_ADDRESS: '', PANELFLOW_WORK: '.panelflow' };
  return {
    name,
    version: `panelflow ${OURS}, Node ${process.versions.node}`,
    env,
    prepare: (folder, cells) =>
      writeFileSync(
        join(folder, 'cells.yaml'),
        `name: cells\nplugins: [${PLUGIN}]\naxes: { n: '\${{ range(0, ${cells}) }}' }\nsteps: { cell: { ${step} } }\n`,
      ),
    command: () => [process.execPath, CLI, 'run', 'cells.yaml'],
    computed: (_, log) => Number(/(\d+) computed/.exec(log)?.[1]),
    server: (folder) => serverOf(folder).pid,
    end: (folder) =>
      void execFileSync(process.execPath, [CLI, 'server', 'stop'], { cwd: folder, env: { ...process.env, ...env }, stdio: 'ignore' }),
  };
}

/** Steps of a plugin, in warm processes. */
export const inProcess = panelflow('panelflow, step in process', "uses: bench/echo, with: { n: '${{ axis.n }}' }");
const command = panelflow('panelflow, command', "uses: command/run, with: { argv: [echo, '${{ axis.n }}'] }");

/** What Nextflow's own launcher hands to Java: without these, its cache stays empty on Java 17, since LevelDB cannot unmap its log. */
const OPENED = [
  ...['java.lang', 'java.io', 'java.nio', 'java.net', 'java.util', 'java.util.concurrent.locks', 'java.util.concurrent.atomic'],
  ...['java.nio.file.spi', 'sun.nio.ch', 'sun.nio.fs', 'sun.net.www.protocol.http', 'sun.net.www.protocol.https'],
  ...['sun.net.www.protocol.ftp', 'sun.net.www.protocol.file', 'jdk.internal.misc', 'jdk.internal.vm', 'java.util.regex'],
].map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`);

const NEXTFLOW = (cells: number): string => `process CELL {
  input: val n
  output: stdout
  script: "echo \${n}"
}
workflow { channel.of(0..${cells - 1}) | CELL }
`;

function nextflow(jars: string): Contestant {
  const jar = readdirSync(jars).find((name) => /^nextflow-\d/.test(name)) ?? 'nextflow';
  const java = execFileSync('java', ['--version'], { encoding: 'utf8' }).split('\n')[0];
  return {
    name: 'Nextflow',
    version: `${jar.replace('.jar', '').replace('-', ' ')}, ${java}`,
    env: { NXF_HOME: '.home', NXF_OFFLINE: 'true' },
    prepare: (folder, cells) => writeFileSync(join(folder, 'main.nf'), NEXTFLOW(cells)),
    command: (isAgain) => [
      'java',
      ...OPENED,
      ...['-Djava.awt.headless=true', '-cp', join(jars, '*'), 'nextflow.cli.Launcher', 'run', 'main.nf', '-ansi-log', 'false'],
      ...(isAgain ? ['-resume'] : []),
    ],
    computed: (folder) => Number(/succeededCount=(\d+)/.exec(readFileSync(join(folder, '.nextflow.log'), 'utf8'))?.[1]),
    server: () => undefined,
    end: () => {},
  };
}

const SNAKEFILE = (cells: number): string => `rule all:
    input: expand("out/{n}.txt", n=range(${cells}))
rule cell:
    output: "out/{n}.txt"
    shell: "echo {wildcards.n} > {output}"
`;

function snakemake(program: string): Contestant {
  return {
    name: 'Snakemake',
    version: `snakemake ${execFileSync(program, ['--version'], { encoding: 'utf8' }).trim()}`,
    env: { XDG_CACHE_HOME: '.cache' },
    prepare: (folder, cells) => writeFileSync(join(folder, 'Snakefile'), SNAKEFILE(cells)),
    command: () => [program, '-c2'],
    computed: (_, log) => [...log.matchAll(/^(local)?rule cell:/gm)].length,
    server: () => undefined,
    end: () => {},
  };
}

/** Ours, and the peers that the environment names: NEXTFLOW_LIB (a folder of jars) and SNAKEMAKE (a program). */
export function contestants(): Contestant[] {
  const { NEXTFLOW_LIB, SNAKEMAKE } = process.env;
  const peers: Contestant[] = [];
  if (NEXTFLOW_LIB !== undefined && existsSync(NEXTFLOW_LIB)) peers.push(nextflow(NEXTFLOW_LIB));
  else console.log('Nextflow is left out: NEXTFLOW_LIB names no folder of its jars.');
  if (SNAKEMAKE !== undefined && existsSync(SNAKEMAKE)) peers.push(snakemake(SNAKEMAKE));
  else console.log('Snakemake is left out: SNAKEMAKE names no program.');
  return [inProcess, command, ...peers];
}
