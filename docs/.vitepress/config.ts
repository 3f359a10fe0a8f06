import { cpSync, existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Folders with files that pages link to, which are no pages. */
const BESIDE = ['deploy', 'examples', 'bench/results', 'docs/papers'];

type Pages = Record<string, string>;

const section = (text: string, pages: Pages, collapsed = false): object => ({
  text,
  collapsed,
  items: Object.entries(pages).map(([name, link]) => ({ text: name, link: `/${link}` })),
});

/** `0007-tensor-backends.md` as `0007 tensor backends`. */
const decisions = (): Pages =>
  Object.fromEntries(
    readdirSync(join(ROOT, 'docs/decisions'))
      .sort()
      .map((file) => [file.replace('.md', '').replaceAll('-', ' '), `docs/decisions/${file}`]),
  );

export default defineConfig({
  title: 'panelflow',
  description: 'Compare ways to choose a gene panel',
  // The pages lie where they lie in the repository, so that their links hold there, here and in an editor.
  srcDir: '..',
  srcExclude: ['node_modules/**', 'dist/**', 'test/**', 'results/**', '.panelflow/**'],
  rewrites: { 'README.md': 'index.md', 'docs/README.md': 'docs/index.md' },
  outDir: '.vitepress/dist',
  cacheDir: '.vitepress/cache',
  lastUpdated: false,
  markdown: {
    // A link to a file that is no page leads to that file; all others lead to pages, and one that leads nowhere fails the build.
    config: (md) => {
      md.core.ruler.push('files', ({ tokens, env }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const link = token.type === 'link_open' ? String(token.attrGet('href')) : '';
          const page = join(ROOT, (env as { relativePath: string }).relativePath);
          const isFile = !/^(\w+:|#|\/)/.test(link) && !/\.md(#|$)/.test(link) && existsSync(resolve(dirname(page), link));
          if (isFile) token.attrSet('target', '_self');
        }
      });
    },
  },
  buildEnd: ({ outDir }) => {
    for (const folder of BESIDE)
      cpSync(join(ROOT, folder), join(outDir, folder), { recursive: true, filter: (path) => !/\.env$|\.md$|node_modules/.test(path) });
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Tutorial', link: '/docs/tutorial.md' },
      { text: 'Benchmark', link: '/docs/benchmark.md' },
      { text: 'Commands', link: '/docs/reference/cli.md' },
      { text: 'Steps', link: '/docs/reference/steps.md' },
      { text: 'Troubleshooting', link: '/docs/troubleshooting.md' },
    ],
    sidebar: [
      section('Learn', {
        'What it is': '',
        Tutorial: 'docs/tutorial.md',
        'From Nextflow': 'docs/from-nextflow.md',
        'From Snakemake': 'docs/from-snakemake.md',
      }),
      section('Compare methods', {
        'A benchmark': 'docs/benchmark.md',
        Selectors: 'docs/selectors.md',
        Networks: 'docs/neural.md',
        Spatial: 'docs/spatial.md',
        'The report': 'docs/report.md',
        Export: 'docs/export.md',
      }),
      section('Run', {
        'Change, limit, share': 'docs/runs.md',
        Dashboard: 'docs/ui.md',
        Cache: 'docs/cache.md',
        Schedules: 'docs/schedules.md',
        'Data that lands': 'docs/watch.md',
        Notices: 'docs/notify.md',
        Troubleshooting: 'docs/troubleshooting.md',
        Errors: 'docs/errors.md',
      }),
      section('Many machines', {
        Deploy: 'deploy/README.md',
        S3: 'docs/s3.md',
        Durability: 'docs/durability.md',
        Security: 'SECURITY.md',
        Encryption: 'docs/encryption.md',
      }),
      section('Extend', {
        'Methods as scripts': 'docs/other-languages.md',
        'Programs as steps': 'docs/commands.md',
        Plugins: 'docs/write-a-plugin.md',
        'The pipeline language': 'docs/pipelines.md',
      }),
      section('Reference', {
        Commands: 'docs/reference/cli.md',
        Steps: 'docs/reference/steps.md',
        'Files: run': 'docs/reference/run.md',
        'Files: pipeline': 'docs/reference/pipeline.md',
        'Files: benchmark': 'docs/reference/benchmark.md',
        'Files: tables': 'docs/reference/tables.md',
        'Files: spatial': 'docs/reference/spatial.md',
      }),
      section('Papers', {
        'How to read these': 'docs/papers/README.md',
        MarkerMap: 'docs/papers/markermap.md',
        YOTO: 'docs/papers/yoto.md',
        'Auxiliary genes': 'docs/papers/agl.md',
        'Our own': 'docs/papers/own-selector.md',
        Datasets: 'docs/papers/datasets.md',
      }),
      section('Understand', {
        Architecture: 'docs/architecture.md',
        'What a sweep costs': 'docs/engine.md',
        Benches: 'bench/README.md',
        'How we work': 'CONTRIBUTING.md',
        Changes: 'CHANGELOG.md',
      }),
      section('Decisions', decisions(), true),
    ],
  },
});
