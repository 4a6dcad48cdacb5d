/** The configuration of every app, read from its `src/config.ts`: no list to keep, and no import of an app. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Kind, OptionalKind, type TObject, type TSchema } from '@sinclair/typebox';
import { listFiles, ROOT } from './repository.ts';

export interface AppConfig {
  /** The app's folder under `apps`. */
  app: string;
  path: string;
  schema: TObject;
}

const isObjectSchema = (value: unknown): value is TObject =>
  typeof value === 'object' && value !== null && Kind in value && value[Kind] === 'Object';

export const isOptional = (schema: TSchema): boolean => OptionalKind in schema;
export const isRequired = (schema: TSchema): boolean => !isOptional(schema) && schema.default === undefined;

const configOf = async (app: string, path: string): Promise<AppConfig[]> => {
  const exports = (await import(pathToFileURL(join(ROOT, path)).href)) as Record<string, unknown>;
  return Object.values(exports)
    .filter(isObjectSchema)
    .map((schema) => ({ app, path, schema }));
};

/** By the names of the apps. */
export const loadAppConfigs = async (): Promise<AppConfig[]> => {
  const found = listFiles().flatMap((path) => {
    const app = /^apps\/([^/]+)\/src\/config\.ts$/.exec(path)?.[1];
    return app === undefined ? [] : [configOf(app, path)];
  });
  return (await Promise.all(found)).flat();
};
