/** `npm run docs`: writes the generated documents. Refuses an event schema that readers of the published one cannot take. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EVENT_TYPES, eventSchema, schemaPath } from './event-schemas.ts';
import { generatedDocs } from './generated-docs.ts';
import type { Json } from './plain-schema.ts';
import { readText, ROOT } from './repository.ts';
import { incompatibilities } from './schema-compat.ts';

const refused = EVENT_TYPES.flatMap((type) => {
  const path = schemaPath(type);
  if (!existsSync(join(ROOT, path))) return [];
  return incompatibilities(JSON.parse(readText(path)) as Json, eventSchema(type)).map((change) => `${path}: ${change}`);
});

if (refused.length > 0) {
  const advice =
    'An event is never changed in place: make the member optional, or give its type a new version (….v2).\n' +
    'A schema that no reader has ever had may be deleted first.';
  process.stderr.write(`${refused.join('\n')}\n${advice}\n`);
  process.exit(1);
}

for (const [path, text] of await generatedDocs()) {
  if (existsSync(join(ROOT, path)) && readText(path) === text) continue;
  mkdirSync(dirname(join(ROOT, path)), { recursive: true });
  writeFileSync(join(ROOT, path), text);
  process.stdout.write(`${path}\n`);
}
