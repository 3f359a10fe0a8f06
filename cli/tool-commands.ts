import { act, address, json, list, program, whole, work } from './program.ts';

program
  .command('cache [action]')
  .description('The size of the store; `cache verify` reads every object in it and says which are damaged.')
  .option('--mend', 'remove what is damaged, so that it is computed anew')
  .option(...work)
  .option(...json)
  .addHelpText('after', '\nExamples:\n  panelflow cache\n  panelflow cache verify --mend')
  .action(act(async (action: string | undefined, flags) => (await import('./commands/cache.ts')).cache(action, flags)));

program
  .command('notify <action> [channel]')
  .description('The channels that this machine can send notices to (list), or a sample to one of them (test).')
  .option('--event <event>', 'what the sample tells of: success, failure or drift', 'success')
  .option(...json)
  .addHelpText('after', '\nExamples:\n  panelflow notify list\n  panelflow notify test lab --event drift')
  .action(
    act(async (action: string, channel: string | undefined, flags) =>
      (await import('./commands/notify.ts')).notify(action, channel, flags),
    ),
  );

program
  .command('plugins [uses]')
  .description('List every step there is, or show one with its params.')
  .option('--markdown', 'as reference pages')
  .option(...json)
  .addHelpText('after', '\nExamples:\n  panelflow plugins\n  panelflow plugins selector/yoto')
  .action(act(async (uses: string | undefined, flags) => (await import('./commands/plugins.ts')).plugins(uses, flags)));

program
  .command('schema [name]')
  .description('Print a JSON Schema for editors: run, pipeline, or the name of a pipeline (benchmark).')
  .option('--markdown', 'as a reference page')
  .action(act(async (name: string | undefined, flags) => (await import('./commands/schema.ts')).schema(name, flags)));

program
  .command('predict <model> <cells>')
  .description(
    "Run a trained network (a file out of results/NAME/models) on the cells of a dataset file: classes, numbers, or every gene's expression.",
  )
  .option('--out <file>', 'a .csv, or a .h5ad (predictions in obs, reconstructed expression in X)', 'predictions.csv')
  .option('--probabilities', 'a column for the probability of each class')
  .option(...json)
  .addHelpText('after', '\nExample:\n  panelflow predict results/zeisel/models/seed=0_selector=yoto_k=32.model new-cells.h5ad')
  .action(act(async (model: string, cells: string, flags) => (await import('./commands/predict.ts')).predict(model, cells, flags)));

program
  .command('data [name]')
  .description('List known datasets with their citation, or fetch one.')
  .option('--out <dir>', 'folder to fetch into', 'data')
  .option(...json)
  .action(act(async (name: string | undefined, flags) => (await import('./commands/data.ts')).data(name, flags)));

const init = program
  .command('init [file]')
  .description('Write a file to start from, or (init plugin) a package.')
  .option('--data <path>', 'your dataset')
  .option('--tasks <columns>', 'obs columns to predict, comma separated', list)
  .option('--force', 'write over a file that is there')
  .action(act(async (file: string | undefined, flags) => (await import('./commands/init.ts')).init(file, flags)));

init
  .command('plugin <name>')
  .description('Write a package with a step of your own: it builds, has tests, and packs.')
  .option('--kind <kind>', 'selector or evaluator', 'selector')
  .addHelpText('after', '\nExample:\n  panelflow init plugin my-ranking && cd panelflow-plugin-my-ranking && npm install && npm test')
  .action(act(async (name: string, flags) => (await import('./commands/init.ts')).initPlugin(name, flags)));

program
  .command('doctor')
  .description('Check this machine: server, tensor backend, store, memory.')
  .option(...work)
  .option(...address)
  .option(...json)
  .action(act(async (flags) => (await import('./commands/doctor.ts')).doctor(flags)));

program
  .command('setup')
  .description('Get what is needed once: the Temporal server and native TensorFlow.')
  .option('--gpu', 'the CUDA build of TensorFlow')
  .action(act(async (flags) => (await import('./commands/setup.ts')).setup(flags)));

program
  .command('key')
  .description('Make a key to encrypt what the Temporal server keeps (PANELFLOW_PAYLOAD_KEY, docs/encryption.md).')
  .option(...json)
  .addHelpText('after', '\nExample:\n  (umask 077 && panelflow key > payload.key) && export PANELFLOW_PAYLOAD_KEY_FILE=$PWD/payload.key')
  .action(act(async (flags) => (await import('./commands/key.ts')).key(flags)));

program
  .command('server <action>')
  .description('The embedded server of this folder: start, stop or status.')
  .option(...work)
  .option(...json)
  .action(act(async (action: string, flags) => (await import('./commands/server.ts')).server(action, flags)));

program
  .command('s3')
  .description('Start an S3 server (versitygw) for this machine alone, with a bucket "panelflow", until interrupted.')
  .option('--root <dir>', 'folder for its objects (default: .panelflow/s3)')
  .option('--port <n>', 'port at 127.0.0.1', whole, 7070)
  .option(...json)
  .addHelpText('after', '\nExample:\n  panelflow s3 --root ~/s3\n  panelflow run zeisel.yaml --work s3://panelflow/work')
  .action(act(async (flags) => (await import('./commands/s3.ts')).s3(flags)));
