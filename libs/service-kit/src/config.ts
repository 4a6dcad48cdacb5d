/**
 * Configuration from the environment and from YAML files, checked against TypeBox schemas. All faults are reported
 * at once; an empty string counts as unset; what comes from the environment is frozen.
 */
import { readFileSync } from 'node:fs';
import { type Static, type TObject, type TSchema, Kind } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { parse } from 'yaml';

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(source: string, faults: readonly string[]) {
    super(`${source}:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.faults = faults;
  }
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)$/;

/** Strict: TypeBox's own conversion reads "1e3" as 1 and "12.5" as the integer 12. */
const fromText = (schema: TSchema, text: string): unknown => {
  if (schema[Kind] === 'Integer' || schema[Kind] === 'Number') {
    return DECIMAL.test(text) ? Number(text) : text;
  }
  if (schema[Kind] === 'Boolean') {
    return text === 'true' ? true : text === 'false' ? false : text;
  }
  return text;
};

const faultsOf = (schema: TSchema, value: unknown, name: (path: string) => string): string[] => {
  const byPath = new Map<string, string>();
  for (const error of Value.Errors(schema, value)) {
    if (byPath.has(error.path)) continue;
    const description = (error.schema as { description?: string }).description;
    const because = error.value === undefined ? 'is required' : error.message;
    byPath.set(
      error.path,
      `${name(error.path)} ${because}${description ? ` (${description})` : ''}`,
    );
  }
  return [...byPath.values()];
};

/** Reads the members of `schema` from `env`. Throws one {@link ConfigError} that lists every fault. */
export const loadConfig = <T extends TObject>(
  schema: T,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Static<T>> => {
  const given: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(schema.properties)) {
    const text = env[name];
    if (text !== undefined && text !== '') given[name] = fromText(member, text);
  }
  const value = Value.Default(schema, given);
  const faults = faultsOf(schema, value, (path) => path.slice(1));
  if (faults.length > 0) throw new ConfigError('configuration of the environment', faults);
  return Object.freeze(value as Static<T>);
};

/**
 * Reads a YAML file. `${NAME}` in it stands for the environment variable NAME. Throws one {@link ConfigError} that
 * lists every fault.
 */
export const loadYamlFile = <T extends TSchema>(
  schema: T,
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): Static<T> => {
  const unset = new Set<string>();
  const expand = (text: string): string =>
    text.replace(/\$\{(\w+)\}/g, (_, name: string) => {
      const value = env[name];
      if (value === undefined || value === '') unset.add(name);
      return value ?? '';
    });
  let parsed: unknown;
  try {
    parsed = parse(expand(readFileSync(path, 'utf8')));
  } catch (cause) {
    // The first line says what and where; the lines of the file after it may hold a secret of the environment.
    throw new ConfigError(path, [(cause as Error).message.split(':\n')[0] ?? '']);
  }
  const value = Value.Default(schema, parsed);
  const faults = [
    ...[...unset].map((name) => `uses \${${name}}, which is not set`),
    ...faultsOf(schema, value, (at) => at || 'the file'),
  ];
  if (faults.length > 0) throw new ConfigError(path, faults);
  return value;
};
