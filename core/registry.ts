import { PluginError } from './errors.ts';
import { nearest } from './nearest.ts';
import { API_VERSION, type Lazy, type Plugin, type StepDefinition } from './plugin.ts';

/** Looks up `kind/id` across the loaded plugins; definitions are imported when first asked for. */
export class Registry {
  readonly #entries = new Map<string, { lazy: Lazy<StepDefinition>; plugin: Plugin }>();
  readonly #loaded = new Map<string, StepDefinition>();

  constructor(plugins: readonly Plugin[]) {
    for (const plugin of plugins) this.#add(plugin);
  }

  /** Every `kind/id`, sorted. */
  get names(): string[] {
    return [...this.#entries.keys()].sort();
  }

  /** The ids of one kind, in the order of registration. */
  ids(kind: string): string[] {
    return [...this.#entries.keys()].filter((name) => name.startsWith(`${kind}/`)).map((name) => name.slice(kind.length + 1));
  }

  knows(uses: string): boolean {
    return this.#entries.has(uses);
  }

  /** Which plugin provides `uses`. */
  pluginOf(uses: string): Plugin {
    return this.#entry(uses).plugin;
  }

  /** The definition, imported. */
  async load(uses: string): Promise<StepDefinition> {
    const found = this.#loaded.get(uses);
    if (found) return found;
    const definition = (await this.#entry(uses).lazy()).default;
    if (`${definition.kind}/${definition.id}` !== uses)
      throw new PluginError(`The file registered as "${uses}" defines "${definition.kind}/${definition.id}"`, {
        mend: 'Make the two names equal.',
      });
    this.#loaded.set(uses, definition);
    return definition;
  }

  /** A definition that `load` has already imported. */
  loaded(uses: string): StepDefinition | undefined {
    return this.#loaded.get(uses);
  }

  #entry(uses: string): { lazy: Lazy<StepDefinition>; plugin: Plugin } {
    const entry = this.#entries.get(uses);
    if (entry) return entry;
    const kind = uses.split('/')[0];
    const near = nearest(uses, this.#entries.keys());
    const known = this.ids(kind);
    throw new PluginError(`Nothing provides "${uses}"`, {
      context: { uses },
      mend: `${near ? `Did you mean "${near}"? ` : ''}${known.length > 0 ? `Known: ${known.join(', ')}. ` : ''}A step of another package needs that package under "plugins:".`,
    });
  }

  #add(plugin: Plugin): void {
    if (plugin.api !== API_VERSION)
      throw new PluginError(`Plugin ${plugin.name} is written for API ${plugin.api}, and this panelflow has API ${API_VERSION}`, {
        mend: 'Install a version of the plugin that fits.',
      });
    for (const [kind, table] of Object.entries(plugin.contributions)) {
      for (const [id, lazy] of Object.entries(table)) {
        const name = `${kind}/${id}`;
        const before = this.#entries.get(name);
        if (before)
          throw new PluginError(`"${name}" is provided twice: by ${before.plugin.name} and by ${plugin.name}`, {
            mend: 'Leave one of them out of "plugins:".',
          });
        this.#entries.set(name, { lazy, plugin });
      }
    }
  }
}
