import * as z from 'zod';
import type { Registry } from '../core/registry.ts';
import type { ParamDeclaration, PipelineDefinition } from '../schemas/pipeline.ts';
import { RunFile } from '../schemas/pipeline.ts';

type JsonSchema = Record<string, unknown>;

const object = (properties: JsonSchema, required: readonly string[] = []): JsonSchema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

/** Params that the pipeline offers to a step are not the user's to write. */
async function stepParams(uses: string, registry: Registry, offered: ReadonlySet<string>): Promise<JsonSchema> {
  const { params } = await registry.load(uses);
  const { $schema: _, ...schema } = z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }) as JsonSchema & {
    properties?: JsonSchema;
    required?: string[];
  };
  for (const name of offered) delete schema.properties?.[name];
  return { ...schema, required: (schema.required ?? []).filter((name) => !offered.has(name)) };
}

async function schemaOf(declared: ParamDeclaration, registry: Registry, offered: ReadonlySet<string>): Promise<JsonSchema> {
  const { summary, default: initial } = declared;
  const about: JsonSchema = {
    ...(summary === undefined ? {} : { description: summary }),
    ...(initial === undefined ? {} : { default: initial }),
  };
  const bounds: JsonSchema = {
    ...(declared.min === undefined ? {} : { minimum: declared.min }),
    ...(declared.max === undefined ? {} : { maximum: declared.max }),
  };
  switch (declared.type) {
    case 'string':
      return { ...about, type: 'string', ...(declared.choices ? { enum: declared.choices } : {}) };
    case 'number':
    case 'integer':
      return { ...about, type: declared.type, ...bounds };
    case 'boolean':
      return { ...about, type: 'boolean' };
    case 'list':
      return {
        ...about,
        type: 'array',
        ...(declared.of ? { items: await schemaOf(declared.of, registry, offered) } : {}),
        minItems: declared.min_items ?? 0,
      };
    case 'params':
      return { ...about, ...(declared.step === undefined ? { type: 'object' } : await stepParams(declared.step, registry, offered)) };
    case 'map': {
      const map = await fieldsOf(declared.fields ?? {}, registry, offered);
      return { ...about, ...(declared.shorthand === undefined ? map : { anyOf: [{ type: 'string' }, map] }) };
    }
    case 'use': {
      const kind = declared.kind ?? '';
      const ids = registry.ids(kind);
      const word = declared.shorthand === undefined ? { enum: ids } : { type: 'string', examples: ids };
      const chosen = [];
      for (const id of ids)
        chosen.push(
          object({ uses: { const: id }, as: { type: 'string' }, with: await stepParams(`${kind}/${id}`, registry, offered) }, ['uses']),
        );
      return { ...about, anyOf: [word, ...chosen] };
    }
  }
}

async function fieldsOf(
  declared: Readonly<Record<string, ParamDeclaration>>,
  registry: Registry,
  offered: ReadonlySet<string>,
): Promise<JsonSchema> {
  const properties: JsonSchema = {};
  for (const [name, d] of Object.entries(declared)) properties[name] = await schemaOf(d, registry, offered);
  return object(
    properties,
    Object.entries(declared).flatMap(([name, d]) => (d.optional || d.default !== undefined ? [] : [name])),
  );
}

/** JSON Schema of the files that run one pipeline: its params, and the params of every step they may choose. */
export async function runSchema(definition: PipelineDefinition, registry: Registry): Promise<JsonSchema> {
  const offered = new Set(Object.values(definition.steps).flatMap((s) => Object.keys(s.offer)));
  const run = z.toJSONSchema(RunFile, { io: 'input' }) as JsonSchema & { properties: JsonSchema; required: string[] };
  const params = await fieldsOf(definition.params, registry, offered);
  return {
    ...run,
    title: definition.name,
    description: definition.summary,
    properties: { ...run.properties, pipeline: { const: definition.name }, params },
    required: [...run.required, 'params'],
  };
}
