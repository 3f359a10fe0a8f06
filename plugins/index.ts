import { API_VERSION, definePlugin } from './contract.ts';

/** The built-in plugin: one line for each contribution; test/registered.test.ts fails when a file has no line, or a line no file. */
export default definePlugin({
  api: API_VERSION,
  name: 'panelflow',
  version: '0.1.0',
  contributions: {
    reader: {
      file: () => import('./readers/file.ts'),
      simulated: () => import('./readers/simulated.ts'),
    },
    slide: {
      simulated: () => import('./slides/simulated.ts'),
      st: () => import('./slides/st.ts'),
      visium: () => import('./slides/visium.ts'),
      hest: () => import('./slides/hest.ts'),
    },
    encoder: {
      resnet18: () => import('./encoders/resnet18.ts'),
      onnx: () => import('./encoders/onnx.ts'),
      tfjs: () => import('./encoders/tfjs.ts'),
      stain: () => import('./encoders/stain.ts'),
    },
    target: {
      hvg: () => import('./targets/hvg.ts'),
    },
    predictor: {
      mean: () => import('./predictors/mean.ts'),
      pgl: () => import('./predictors/pgl.ts'),
      dkgsb: () => import('./predictors/dkgsb.ts'),
      'agl-all': () => import('./predictors/agl-all.ts'),
      'agl-fixed': () => import('./predictors/agl-fixed.ts'),
      'agl-uncertainty': () => import('./predictors/agl-uncertainty.ts'),
      'agl-auxlearn': () => import('./predictors/agl-auxlearn.ts'),
      'agl-amal': () => import('./predictors/agl-amal.ts'),
    },
    assessor: {
      expression: () => import('./assessors/expression.ts'),
    },
    transform: {
      qc: () => import('./transforms/qc.ts'),
      normalize: () => import('./transforms/normalize.ts'),
      hvg: () => import('./transforms/hvg.ts'),
    },
    splitter: {
      fractions: () => import('./splitters/fractions.ts'),
      'k-fold': () => import('./splitters/k-fold.ts'),
      'leave-group-out': () => import('./splitters/leave-group-out.ts'),
      inner: () => import('./splitters/inner.ts'),
    },
    embedder: {
      umap: () => import('./embedders/umap.ts'),
    },
    labeler: {
      noise: () => import('./labelers/noise.ts'),
    },
    selector: {
      random: () => import('./selectors/random.ts'),
      'hvg-seurat': () => import('./selectors/hvg-seurat.ts'),
      'hvg-seurat-v3': () => import('./selectors/hvg-seurat-v3.ts'),
      'hvg-cell-ranger': () => import('./selectors/hvg-cell-ranger.ts'),
      't-test': () => import('./selectors/t-test.ts'),
      't-test-overestim-var': () => import('./selectors/t-test-overestim-var.ts'),
      wilcoxon: () => import('./selectors/wilcoxon.ts'),
      'wilcoxon-tie-correct': () => import('./selectors/wilcoxon-tie-correct.ts'),
      cosg: () => import('./selectors/cosg.ts'),
      rankcorr: () => import('./selectors/rankcorr.ts'),
      'mrmr-f': () => import('./selectors/mrmr-f.ts'),
      'mrmr-rf': () => import('./selectors/mrmr-rf.ts'),
      'hsic-lasso': () => import('./selectors/hsic-lasso.ts'),
      scgenefit: () => import('./selectors/scgenefit.ts'),
      smash: () => import('./selectors/smash.ts'),
      spapros: () => import('./selectors/spapros.ts'),
      markermap: () => import('./selectors/markermap.ts'),
      'markermap-unsupervised': () => import('./selectors/markermap-unsupervised.ts'),
      'markermap-joint': () => import('./selectors/markermap-joint.ts'),
      'concrete-vae': () => import('./selectors/concrete-vae.ts'),
      'global-gumbel-vae': () => import('./selectors/global-gumbel-vae.ts'),
      persist: () => import('./selectors/persist.ts'),
      'persist-unsupervised': () => import('./selectors/persist-unsupervised.ts'),
      lassonet: () => import('./selectors/lassonet.ts'),
      yoto: () => import('./selectors/yoto.ts'),
    },
    evaluator: {
      forest: () => import('./evaluators/forest.ts'),
      knn: () => import('./evaluators/knn.ts'),
      builtin: () => import('./evaluators/builtin.ts'),
      reconstruction: () => import('./evaluators/reconstruction.ts'),
      'marker-recovery': () => import('./evaluators/marker-recovery.ts'),
      generative: () => import('./evaluators/generative.ts'),
      'ml-random-forest': () => import('./evaluators/ml-random-forest.ts'),
    },
    reporter: {
      tables: () => import('./reporters/tables.ts'),
      html: () => import('./reporters/html.ts'),
      spatial: () => import('./reporters/spatial.ts'),
      files: () => import('./reporters/files.ts'),
    },
    command: {
      run: () => import('./commands/run.ts'),
    },
  },
});
