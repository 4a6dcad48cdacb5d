/** The schema of exports as a page, written from the columns themselves. `node src/schema-page.ts` renews schema.md. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COLUMN_NAMES, COLUMNS } from './rows.ts';

export const SCHEMA_FILE = join(import.meta.dirname, '..', 'schema.md');

export const schemaPage = (): string => `# The schema of an export

One row is one record of the topics \`requests\`, \`quotes\` or \`errors\`; topic, partition and offset are its identity, and
an export holds each one once. A record that was published twice is two rows with one \`event_id\`: the views \`quotes\`,
\`errors\`, \`legs\` and \`requests\` count it once.

    <out>/manifest.json                                        how far the export is; do not edit
    <out>/day=2026-11-21/insurer=alfa/quotes-3-120-480.parquet  records of quotes, partition 3, offsets 120 to 479
    <out>/day=2026-11-21/insurer=_none/requests-3-7-19.parquet  records that concern no single insurer

The day is that of \`written_at\`, UTC. A file under its final name is whole; one that ends in \`.partial\` is not.

Masked: \`application_sealed\` is never exported, and what looks like a phone, VIN, passport or e-mail in the words of an
insurer is masked. An export with \`--decrypt\` has the opened applications in the column \`application\`, \`masked\` is
false in its manifest, its folder is readable by its owner only, and the audit log says who made it and what for: treat
it as the law wants personal data treated. Readers: \`npm run replay -- sql --export <out> "select …"\`, or any DuckDB:
\`SELECT * FROM read_parquet('<out>/*/*/*.parquet')\`.

NDJSON leaves out what is empty, and JSON columns are JSON there; in CSV and Parquet they are text that is JSON. CSV has a
header, quotes by RFC 4180, and an empty cell where there is nothing. Times are \`2026-11-21T09:00:00.000Z\` in both, and
timestamps without zone, in UTC, in Parquet.

| column | type | meaning |
|---|---|---|
${COLUMN_NAMES.map((name) => `| \`${name}\` | ${COLUMNS[name][0]} | ${COLUMNS[name][1]} |`).join('\n')}
`;

if (process.argv[1] === import.meta.filename) writeFileSync(SCHEMA_FILE, schemaPage());
