import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { SCHEMA_FILE, schemaPage } from './schema-page.ts';

describe('the documents of replay', () => {
  it('have a fresh schema; if not: node apps/replay/src/schema-page.ts', () => {
    expect(readFileSync(SCHEMA_FILE, 'utf8')).toBe(schemaPage());
  });

  it('name every ready question', () => {
    const queries = join(import.meta.dirname, '..', 'queries');
    const page = readFileSync(join(queries, 'README.md'), 'utf8');
    const named = [...page.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => `${name}.sql`);
    expect(named.sort()).toEqual(readdirSync(queries).filter((file) => file.endsWith('.sql')).sort());
  });
});
